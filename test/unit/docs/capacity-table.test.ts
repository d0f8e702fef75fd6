import { expect, test } from "vitest";
import { readArguments } from "../../bench/arguments.ts";
import { capacity, times } from "../../bench/capacity/answer.ts";
import { capacityOf, planOf } from "../../bench/capacity/command.ts";
import { units, unitsAt } from "../../bench/capacity/units.ts";
import { cell, code, codes, read, tableUnder } from "../../support/markdown.ts";

const page = read("ARCHITECTURE.md");

test("the table of unit costs is that of the model, each with the command that measures it", () => {
  const documented = tableUnder(page, "Unit costs").map((row) => ({
    name: code(row, "Name"),
    what: cell(row, "What"),
    cost: cell(row, "Cost"),
    unit: cell(row, "Unit"),
    command: code(row, "Measured by"),
  }));
  const model = Object.entries(units).map(([name, { what, value, unit, command }]) => ({
    name,
    what,
    cost: value.toLocaleString("en"),
    unit,
    command: `npm run bench ${command}`,
  }));
  expect(documented).toEqual(model);
});

test("every unit cost stands in a formula of the page", () => {
  const formulas = page.slice(page.indexOf("### Formulas"), page.indexOf("### What it comes to"));
  const named = codes(formulas).flatMap((formula) => formula.match(/\b[a-z]\w*(?:Us|Bytes)\b/g) ?? []);
  expect([...new Set(named)].toSorted()).toEqual(Object.keys(units).toSorted());
});

const head = "`npm run bench capacity`";
test.each(tableUnder(page, "What it comes to"))("what the page says of $Use is what the model computes", (row) => {
  const [options = ""] = codes(cell(row, head));
  const { values } = readArguments(
    capacityOf,
    options.split(" ").filter((part) => part !== "" && part !== "--"),
  );
  const plan = planOf(values as Parameters<typeof planOf>[0]);
  const answers = [1, 10].map((factor) => capacity(times(plan, factor), unitsAt(1)));
  const count = (value: number) => value.toLocaleString("en");
  const servers = answers.map(({ instances, shards }) => `${count(instances)} instances, ${count(shards)} Redis`);
  const scarce = (of: (answer: (typeof answers)[number]) => string) => [...new Set(answers.map(of))].join(", then ");
  expect(row).toMatchObject({
    "100,000 connections": servers[0],
    "1,000,000 connections": servers[1],
    "Scarce, instances": scarce(({ scarceOfInstances }) => scarceOfInstances),
    "Scarce, Redis": scarce(({ scarceOfRedis }) => scarceOfRedis),
  });
});
