import { expect, test } from "vitest";
import { code, read, tableUnder } from "../../support/markdown.ts";

test("every limit that is told apart has a row that says what sets it and what refuses", () => {
  const [, names = ""] = /LimitName =([^;]+);/.exec(read("server/src/errors.ts")) ?? [];
  const documented = tableUnder(read("server/README.md"), "Limits by name").map((row) => code(row, "Limit"));
  expect(documented).toEqual([...names.matchAll(/"([^"]+)"/g)].map(([, name]) => name));
});
