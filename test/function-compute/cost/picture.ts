import { element, type Markup, together } from "../../support/markup.ts";
import type { Span } from "./forecast.ts";

const width = 720;
const rowHeight = 120;
const margin = { left: 64, right: 16, top: 40, row: 36 };
const [dark, soft, line, bar] = ["#334155", "#64748b", "#94a3b8", "#2563eb"];

/** Instances, moves and billed time over the hours, as an SVG of three rows of bars. */
export function picture(title: string, spans: readonly Span[]): string {
  const rows: readonly { readonly name: string; readonly values: readonly number[] }[] = [
    { name: "instances with connections, at most", values: spans.map(({ instances }) => instances) },
    { name: "moves", values: spans.map(({ moves }) => moves) },
    { name: "billed seconds", values: spans.map(({ billedSeconds }) => Math.round(billedSeconds)) },
  ];
  const height = margin.top + rows.length * (rowHeight + margin.row);
  const svg = element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      viewBox: `0 0 ${width} ${height}`,
      "font-family": "sans-serif",
      "font-size": 12,
    },
    element("rect", { width: "100%", height: "100%", fill: "#fff" }),
    element("text", { x: margin.left, y: 22, "font-size": 13 }, title),
    ...rows.map(({ name, values }, index) =>
      bars(name, values, spans, margin.top + index * (rowHeight + margin.row) + 16),
    ),
  );
  return `${svg.text}\n`;
}

function bars(name: string, values: readonly number[], spans: readonly Span[], top: number): Markup {
  const most = Math.max(1, ...values);
  const step = (width - margin.left - margin.right) / values.length;
  const height = rowHeight - 16;
  const [bottom, right] = [top + height, width - margin.right];
  const rects = values.map((value, index) => {
    const tall = (value / most) * height;
    const title = element("title", {}, `up to ${hours(spans[index])}: ${value.toLocaleString("en")}`);
    const [x, y] = [margin.left + index * step + 1, bottom - tall];
    return element("rect", { x, y, width: step - 2, height: tall, fill: bar }, title);
  });
  const beside = (y: number, text: string) =>
    element("text", { x: margin.left - 8, y, "text-anchor": "end", fill: soft }, text);
  const below = (x: number, anchor: "middle" | "end", span: Span | undefined) =>
    element("text", { x, y: bottom + 14, "text-anchor": anchor, fill: soft }, hours(span));
  return together(
    element("text", { x: margin.left, y: top - 6, fill: dark }, name),
    beside(top + 10, most.toLocaleString("en")),
    beside(bottom, "0"),
    element("line", { x1: margin.left, x2: right, y1: bottom, y2: bottom, stroke: line }),
    ...rects,
    below(width / 2, "middle", spans[Math.floor((spans.length - 1) / 2)]),
    below(right, "end", spans.at(-1)),
  );
}

const hours = (span: Span | undefined) => `${Number((span?.endHours ?? 0).toFixed(2))} h`;
