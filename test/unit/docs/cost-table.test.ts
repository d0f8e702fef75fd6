import { expect, test } from "vitest";
import { costOf } from "../../function-compute/meter.ts";
import { readServiceFile } from "../../function-compute/service-file.ts";
import { cell, read, repository, tableUnder } from "../../support/markdown.ts";

const { settings } = readServiceFile(`${repository}/s.yaml`, { REDIS_URL: "redis://localhost" });

test.each(tableUnder(read("server/README.md"), "Cost"))("%o is what the published prices give for s.yaml", (row) => {
  const connections = Number(cell(row, "Connections on an instance"));
  const { cny } = costOf((1000 / connections) * 3600, settings);
  expect(cell(row, "CNY per 1,000 connection-hours")).toBe(cny.toFixed(1));
});
