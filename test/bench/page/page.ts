import { element, Markup, together } from "../../support/markup.ts";
import type { Bench } from "../bench.ts";
import { benches, isBench } from "../benches.ts";
import { formatTarget } from "../report.ts";
import { drawPlot } from "./plots/figure.ts";
import type { Results, Run } from "./results.ts";
import { style } from "./style.ts";
import { type Chapter, chapters, suite } from "./suite.ts";
import { drawTable } from "./table.ts";

const title = "Holdfast, measured";

/** The page of all results: one file without scripts, which loads nothing. */
export function writePage(results: Results): string {
  const runs = results.runs.filter(({ bench }) => isBench(bench));
  const parts = chapters.flatMap((chapter) => drawChapter(chapter, runs));
  const html = element(
    "html",
    { lang: "en" },
    element(
      "head",
      {},
      element("meta", { charset: "utf-8" }),
      element("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
      element("title", {}, title),
      element("style", {}, new Markup(style)),
    ),
    element("body", {}, drawHead(results), drawContents(runs), element("main", {}, ...parts)),
  );
  return `<!doctype html>\n${html.text}\n`;
}

function drawHead({ machine, versions, isQuick }: Results): Markup {
  const facts = {
    Processor: `${machine.cpu}, ${machine.cores} cores`,
    Memory: `${(machine.memoryBytes / 2 ** 30).toFixed(1)} GiB`,
    Kernel: machine.kernel,
    ...versions,
  };
  const shown = Object.entries(facts).map(([name, fact]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, fact)),
  );
  return element(
    "header",
    {},
    element("h1", {}, title),
    element(
      "p",
      {},
      "What Holdfast costs and keeps, with plain Socket.IO and a server written by hand under the same load, in the same run and on the same machine. Clients and Redis share that machine, so ratios say more than the numbers themselves. A small × tells how many times as much it is as in the column of plain Socket.IO.",
    ),
    isQuick && element("p", { class: "failed" }, "Measured in a hurry, to try the benches: the figures mean little."),
    element("dl", { class: "facts" }, ...shown),
  );
}

function drawContents(runs: readonly Run[]): Markup {
  const links = runs.map(({ bench }) => element("a", { href: `#${bench}` }, bench));
  return element("nav", { "aria-label": "Benches" }, element("p", {}, ...links));
}

function drawChapter(chapter: Chapter, runs: readonly Run[]): Markup[] {
  const ofChapter = runs.filter(({ bench }) => isBench(bench) && suite[bench].chapter === chapter);
  return ofChapter.length === 0 ? [] : [element("h2", {}, chapter), ...ofChapter.map(drawRun)];
}

function drawRun({ bench, options, seconds, date, report, error }: Run): Markup {
  const { summary }: Bench = isBench(bench)
    ? benches[bench]
    : { summary: "", options: {}, run: () => Promise.reject() };
  const given = Object.entries(options).map(([name, value]) => ` --${name} ${value}`);
  const command = `npm run bench ${bench}${given.length === 0 ? "" : ` --${given.join("")}`}`;
  return element(
    "section",
    { id: bench },
    element("h3", {}, bench),
    element("p", {}, `${summary[0]?.toUpperCase() ?? ""}${summary.slice(1)}.`),
    error !== undefined && element("p", { class: "failed" }, `This bench has failed: ${error}`),
    report !== undefined &&
      together(
        ...report.failures.map((failure) => element("p", { class: "failed" }, failure)),
        element("div", { class: "plots" }, ...(report.plots ?? []).map(drawPlot)),
        drawTable(report),
        element(
          "ul",
          { class: "verdicts" },
          ...report.targets.map((target) =>
            element("li", { class: target.value <= target.atMost ? "met" : "missed" }, formatTarget(target)),
          ),
        ),
      ),
    element("p", { class: "soft" }, element("code", {}, command), ` took ${Math.round(seconds)} s on ${date}.`),
  );
}
