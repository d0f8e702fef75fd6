import { element, type Markup } from "../../support/markup.ts";
import { type Figure, figureName, formatNumber, type Report, ratios } from "../report.ts";

/** The figures as a table; below each value what it is against plain Socket.IO, where that says something. */
export function drawTable(report: Report): Markup {
  const heads = report.columns.map((name) => element("th", { scope: "col", class: ours(name) }, name));
  const rows = report.figures.map((figure) => drawRow(report, figure));
  const table = element(
    "table",
    {},
    element("thead", {}, element("tr", {}, element("th", {}), ...heads)),
    element("tbody", {}, ...rows),
  );
  // A region that can be scrolled has to be reachable by the keyboard.
  return element("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Figures" }, table);
}

function drawRow(report: Report, figure: Figure): Markup {
  const held = ratios(report, figure);
  const cells = figure.values.map((value, column) => {
    const ratio = held?.[column] ?? null;
    const against = ratio !== null && element("small", {}, `${formatRatio(ratio)}×`);
    return element("td", { class: ours(report.columns[column]) }, formatNumber(value), against);
  });
  return element("tr", {}, element("th", { scope: "row" }, figureName(figure)), ...cells);
}

const ours = (column: string | undefined) => (column === "Holdfast" ? "ours" : undefined);

/** To two places that count, so that 0.004 is not 0. */
function formatRatio(ratio: number): string {
  return ratio >= 10 ? formatNumber(Math.round(ratio)) : String(Number(ratio.toPrecision(2)));
}
