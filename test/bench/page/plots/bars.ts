import { element, type Markup, together } from "../../../support/markup.ts";
import type { Bars } from "../../plot.ts";
import { formatNumber } from "../../report.ts";

const width = 440;
const row = { height: 42, name: 14, bar: 16 };

/** A bar for each name, its parts behind each other; the whole is written at its end. */
export function drawBars({ title, unit, parts, bars }: Bars): Markup {
  const wholes = bars.map(({ values }) => values.reduce((sum, value) => sum + value, 0));
  const most = Math.max(...wholes, Number.MIN_VALUE);
  const rows = bars.map(({ name, values }, index) => {
    const top = index * row.height;
    const whole = formatNumber(wholes[index] ?? 0);
    return together(
      element("text", { x: 0, y: top + row.name, class: "name" }, name),
      element("text", { x: width, y: top + row.name, class: "value" }, `${whole} ${unit}`.trim()),
      element("rect", { x: 0, y: top + 20, width, height: row.bar, rx: 3, class: "track" }),
      ...drawParts(values, parts, { top: top + 20, series: index, perValue: width / most, unit }),
    );
  });
  const label = `${title}: ${bars.map(({ name }, index) => `${name} ${formatNumber(wholes[index] ?? 0)}`).join(", ")}`;
  const viewBox = `0 0 ${width} ${bars.length * row.height}`;
  return element("svg", { viewBox, role: "img", "aria-label": label }, ...rows);
}

interface Place {
  readonly top: number;
  readonly series: number;
  readonly perValue: number;
  readonly unit: string;
}

function drawParts(values: readonly number[], parts: readonly string[], place: Place): Markup[] {
  let x = 0;
  return values.map((value, part) => {
    const wide = Math.max(0, value) * place.perValue;
    const title = element("title", {}, `${parts[part] ?? ""}: ${formatNumber(value)} ${place.unit}`.trim());
    const shape = { x, y: place.top, width: wide, height: row.bar, rx: 3 };
    x += wide;
    return element("rect", { ...shape, class: `series-${place.series} part-${part}` }, title);
  });
}
