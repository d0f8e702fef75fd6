import { element, type Markup } from "../../../support/markup.ts";
import type { Plot } from "../../plot.ts";
import { drawBars } from "./bars.ts";
import { drawLines } from "./lines.ts";

/** A picture with its title, and with a legend where its colours need one. */
export function drawPlot(plot: Plot): Markup {
  const drawn = plot.kind === "bars" ? drawBars(plot) : drawLines(plot);
  return element("figure", {}, element("figcaption", {}, plot.title), legend(plot), drawn);
}

function legend(plot: Plot): Markup | undefined {
  const entries =
    plot.kind === "bars"
      ? plot.parts.map((name, part) => ({ name, colour: `part part-${part}` }))
      : plot.lines.map(({ name }, index) => ({ name, colour: `series-${index}` }));
  if (entries.length < 2) return undefined;
  const items = entries.map(({ name, colour }) => element("li", {}, element("span", { class: `key ${colour}` }), name));
  return element("ul", { class: "legend" }, ...items);
}
