import { expect, test } from "vitest";
import { commands } from "../../../client/src/cli/commands.ts";
import { checks } from "../../../client/src/cli/doctor/checks.ts";
import { exitCodes } from "../../../client/src/cli/exit-codes.ts";
import { describe, optionUsage, usageOf } from "../../../client/src/cli/help.ts";
import { commonOptions } from "../../../client/src/cli/parse-call.ts";
import { cell, code, read, tableUnder } from "../../support/markdown.ts";

const page = read("client/README.md");

test("the table of commands has a row for each, with what it does", () => {
  const documented = tableUnder(page, "Command line").map((row) => [code(row, "Command"), cell(row, "Does")]);
  expect(documented).toEqual(commands.map((command) => [`holdfast ${usageOf(command)}`, command.summary]));
});

test("the table of options has a row for each, with the commands that have it", () => {
  const documented = tableUnder(page, "Options of the commands").map((row) => ({
    option: code(row, "Option"),
    of: cell(row, "Of"),
    meaning: cell(row, "Meaning"),
  }));
  const rows = new Map<string, { option: string; of: string; meaning: string }>();
  for (const { name, options } of commands) {
    for (const [option, row] of Object.entries(options)) {
      const [usage, meaning] = [optionUsage(option, row), describe(row)];
      const known = rows.get(`${usage} ${meaning}`);
      rows.set(`${usage} ${meaning}`, {
        option: usage,
        meaning,
        of: known === undefined ? name : `${known.of}, ${name}`,
      });
    }
  }
  const common = Object.entries(commonOptions).map(([option, row]) => ({
    option: optionUsage(option, row),
    of: "all",
    meaning: describe(row),
  }));
  expect(documented).toEqual([...rows.values(), ...common]);
});

test("the table of exit codes names each", () => {
  const documented = tableUnder(page, "Exit codes").map((row) => [cell(row, "Name"), Number(cell(row, "Code"))]);
  expect(documented).toEqual(Object.entries(exitCodes));
});

test("the table of the doctor's checks has a row for each, with those that it relies on", () => {
  const documented = tableUnder(page, "What the doctor looks at").map((row) => [
    cell(row, "Check"),
    cell(row, "Looks at"),
    cell(row, "Needs"),
  ]);
  expect(documented).toEqual(checks.map(({ name, looksAt, needs }) => [name, looksAt, needs.join(", ")]));
});

test("the README shows an example of every command", () => {
  const [, section = ""] = read("README.md").split("\n## From the command line\n");
  for (const { name } of commands) expect(section.split("\n## ")[0]).toContain(`npx holdfast ${name}`);
});
