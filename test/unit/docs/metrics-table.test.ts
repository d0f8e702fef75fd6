import { expect, test } from "vitest";
import { limitNames } from "../../../server/src/errors.ts";
import { channels } from "../../../server/src/telemetry/channels.ts";
import { metrics } from "../../../server/src/telemetry/metrics.ts";
import { code, read, tableUnder } from "../../support/markdown.ts";

const guide = read("server/README.md");
const all = Object.entries(metrics);
/** A label with more values than this stands without them; where they are said has a test of its own. */
const mostValues = 6;

function labelsText(labels: Readonly<Record<string, readonly string[]>>): string {
  const texts = Object.entries(labels).map(([label, values]) =>
    values.length > mostValues ? `\`${label}\`` : `\`${label}\`: ${values.join(", ")}`,
  );
  return texts.join("; ");
}

test("the deployment guide says of every metric what the code has", () => {
  expect(tableUnder(guide, "Metrics")).toEqual(
    all.map(([name, { type, unit, labels, source, help }]) => ({
      Metric: `\`holdfast_${name}\``,
      Type: unit === "1" ? type : `${type}, ${unit}`,
      Labels: labelsText(labels),
      Source: source === "state" ? source : `\`${source}\``,
      Meaning: help,
    })),
  );
});

test("names of metrics end as Prometheus has them: counters in _total, and in seconds or bytes where they are that", () => {
  for (const [name, { type, unit }] of all) {
    expect(name.endsWith("_total")).toBe(type === "counter");
    if (unit === "seconds" || unit === "bytes") expect(name).toMatch(new RegExp(`_${unit}(_total)?$`));
  }
});

test("the guide has a row for every channel", () => {
  const documented = tableUnder(guide, "Events").map((row) => code(row, "Channel"));
  expect(documented).toEqual(Object.keys(channels));
});

test("every limit that is told apart has a row that says what sets it and what refuses", () => {
  const documented = tableUnder(guide, "Limits by name").map((row) => code(row, "Limit"));
  expect(documented).toEqual(limitNames);
});
