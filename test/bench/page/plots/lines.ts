import { element, type Markup, together } from "../../../support/markup.ts";
import type { Axis, Lines, Point } from "../../plot.ts";
import { formatNumber } from "../../report.ts";
import { linear, logarithmic, named, type Scale } from "./scale.ts";

const [width, height] = [440, 260];
const margin = { left: 46, right: 14, top: 22, bottom: 38 };
const inner = { width: width - margin.left - margin.right, height: height - margin.top - margin.bottom };
/** More points than this are a line without dots. */
const DOTS = 24;

export function drawLines({ title, x, y, lines }: Lines): Markup {
  const points = lines.flatMap((line) => line.points);
  const xs = scaleOf(
    x,
    points.map((point) => point.x),
  );
  const ys = scaleOf(
    y,
    points.map((point) => point.y),
  );
  const at = (point: Point) => ({
    x: margin.left + xs.at(point.x) * inner.width,
    y: margin.top + (1 - ys.at(point.y)) * inner.height,
  });
  const label = `${title}: ${y.name} over ${x.name}, for ${lines.map(({ name }) => name).join(", ")}`;
  return element(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label },
    drawAxes(xs, ys, x, y),
    ...lines.map((line, index) => drawLine(line, index, at, x)),
  );
}

function scaleOf({ scale, names }: Axis, values: readonly number[]): Scale {
  if (names !== undefined) return named(names);
  return scale === "log" ? logarithmic(values) : linear(values.reduce((most, value) => Math.max(most, value), 0));
}

function drawAxes(xs: Scale, ys: Scale, x: Axis, y: Axis): Markup {
  const right = margin.left + inner.width;
  const bottom = margin.top + inner.height;
  const rows = ys.ticks.map(({ value, label }) => {
    const at = margin.top + (1 - ys.at(value)) * inner.height;
    return together(
      element("line", { x1: margin.left, x2: right, y1: at, y2: at, class: "grid" }),
      element("text", { x: margin.left - 6, y: at + 4, class: "tick end" }, label),
    );
  });
  const columns = xs.ticks.map(({ value, label }, index) => {
    const anchor = index === 0 ? "start" : index === xs.ticks.length - 1 ? "end" : "middle";
    return element(
      "text",
      { x: margin.left + xs.at(value) * inner.width, y: bottom + 15, class: `tick ${anchor}` },
      label,
    );
  });
  return together(
    ...rows,
    ...columns,
    element("text", { x: 0, y: 11, class: "axis start" }, y.name),
    element("text", { x: right, y: height - 5, class: "axis end" }, x.name),
  );
}

type Place = (point: Point) => { readonly x: number; readonly y: number };

function drawLine({ name, points }: Lines["lines"][number], index: number, at: Place, axis: Axis): Markup {
  const path = points.map((point) => `${at(point).x.toFixed(1)},${at(point).y.toFixed(1)}`).join(" ");
  const dots = points.length > DOTS ? [] : points.map((point) => drawDot(name, point, index, at, axis));
  return together(element("polyline", { points: path, class: `line series-${index}` }), ...dots);
}

function drawDot(name: string, point: Point, index: number, at: Place, axis: Axis): Markup {
  const place = at(point);
  const where = point.label ?? axis.names?.[point.x] ?? formatNumber(point.x);
  const title = element("title", {}, `${name}, ${where}: ${formatNumber(point.y)}`);
  return together(
    element("circle", { cx: place.x, cy: place.y, r: 3.5, class: `dot series-${index}` }, title),
    point.label !== undefined && element("text", { x: place.x + 7, y: place.y - 6, class: "point" }, point.label),
  );
}
