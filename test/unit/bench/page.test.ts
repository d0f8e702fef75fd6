import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { benches } from "../../bench/benches.ts";
import { writePage } from "../../bench/page/page.ts";
import { formatResults, merge, parseResults, type Results } from "../../bench/page/results.ts";
import { lastError, withoutPaths } from "../../bench/page/run-bench.ts";
import { suite } from "../../bench/page/suite.ts";
import { read, repository } from "../../support/markdown.ts";

const names = Object.keys(benches);
const run = { options: { seconds: 3 }, seconds: 41, date: "2026-11-30" };
const report = {
  columns: ["Holdfast", "Socket.IO, sharded"],
  against: 1,
  figures: [{ name: "CPU <each>", unit: "us", values: [0.5, 2], isCompared: true }],
  targets: [{ name: "p99", unit: "ms", value: 7, atMost: 5 }],
  failures: ["3 messages came <twice>"],
  plots: [{ kind: "bars" as const, title: "CPU", unit: "us", parts: ["server"], bars: [{ name: "<b>", values: [1] }] }],
};
const results: Results = {
  machine: { cpu: "Some <CPU>", cores: 2, memoryBytes: 8 * 2 ** 30, kernel: "Linux 6.1" },
  versions: { "Node.js": "20.20.2", Holdfast: "0.1.0" },
  isQuick: false,
  runs: [
    { bench: "hot-room", ...run, report },
    { bench: "kill", ...run, error: "waited 15000 ms for <ready>" },
  ],
};

test("the page has machine, versions, and for each bench its sentence, figures, ratios, verdicts and command", () => {
  const page = writePage(results);
  expect(page).toContain("Some &#60;CPU&#62;, 2 cores");
  expect(page).toContain("8.0 GiB");
  expect(page).toContain("CPU per delivered message in one busy room on two instances, other servers beside it.");
  expect(page).toContain("0.25×");
  expect(page).toContain('<li class="missed">Target MISSED: p99 7 ms, at most 5</li>');
  expect(page).toContain("npm run bench hot-room -- --seconds 3");
});

test("a bench that has failed is on the page with its reason, and so are messages that went wrong", () => {
  const page = writePage(results);
  expect(page).toContain("This bench has failed: waited 15000 ms for &#60;ready&#62;");
  expect(page).toContain("3 messages came &#60;twice&#62;");
});

test("the page runs nothing and loads nothing, and has no element that was not written here", () => {
  const page = writePage(results);
  expect(page).not.toMatch(/<script|<link|<img|<iframe|\son\w+=|url\(|@import|<(each|twice|b|ready|CPU)>/);
  expect(page).not.toMatch(/(?:src|href)="(?!#)/);
});

test("results are written as they are read, with a line for each bench", () => {
  const text = formatResults(results);
  expect(parseResults(text)).toEqual(results);
  expect(text.split("\n").filter((line) => line.startsWith('{"bench"'))).toHaveLength(2);
  expect(() => parseResults('{"runs":[]}')).toThrow();
});

test("what could not be measured is no number on the page, either", () => {
  const hole = { ...report, targets: [{ name: "p99", unit: "ms", value: Number.NaN, atMost: 5 }] };
  const again = parseResults(formatResults({ ...results, runs: [{ bench: "hot-room", ...run, report: hole }] }));
  expect(writePage(again)).toContain('<li class="missed">Target MISSED: p99 - ms, at most 5</li>');
});

test("benches that are measured again take the place of their older results, in the order of all benches", () => {
  const now = { ...results, runs: [{ bench: "hot-room", ...run, seconds: 7 }] };
  const merged = merge(results, now, ["kill", "hot-room", "jitter"]);
  expect(merged.runs.map(({ bench, seconds }) => [bench, seconds])).toEqual([
    ["kill", 41],
    ["hot-room", 7],
  ]);
  expect(merge({ ...results, isQuick: true }, now, names).isQuick).toBe(true);
});

test("an error is told without its stack, and without paths of the machine", () => {
  const stderr =
    "  round 1\nError: expected /home/me/holdfast/app/dist/main.mjs, got none\n    at file:///home/me/x.ts:1:2\n";
  expect(lastError(stderr)).toBe("Error: expected main.mjs, got none");
  expect(withoutPaths("at file:///srv/a b")).toBe("at a b");
  expect(withoutPaths("12 messages/s of /pre-stop")).toBe("12 messages/s of /pre-stop");
  expect(lastError("")).toBe("it printed nothing");
});

test.each(names)("%s is told on the page with options that it has", (name) => {
  const known = Object.keys(benches[name as keyof typeof benches].options);
  const { options, quick } = suite[name as keyof typeof benches];
  expect([...Object.keys(options), ...Object.keys(quick)].filter((option) => !known.includes(option))).toEqual([]);
});

test("the page that is in the repository, once it is measured, names every bench", () => {
  const page = existsSync(join(repository, "docs/bench.html")) ? read("docs/bench.html") : undefined;
  const named = page === undefined ? names : [...page.matchAll(/<section id="([\w-]+)">/g)].map(([, id]) => id);
  expect(named.toSorted()).toEqual(names.toSorted());
});
