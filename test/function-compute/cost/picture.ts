import type { Span } from "./forecast.ts";

const width = 720;
const rowHeight = 120;
const margin = { left: 64, right: 16, top: 40, row: 36 };

/** Instances, moves and billed time over the hours, as an SVG of three rows of bars. */
export function picture(title: string, spans: readonly Span[]): string {
  const rows: readonly { readonly name: string; readonly values: readonly number[] }[] = [
    { name: "instances with connections, at most", values: spans.map(({ instances }) => instances) },
    { name: "moves", values: spans.map(({ moves }) => moves) },
    { name: "billed seconds", values: spans.map(({ billedSeconds }) => Math.round(billedSeconds)) },
  ];
  const height = margin.top + rows.length * (rowHeight + margin.row);
  const drawn = rows.map(({ name, values }, index) => {
    const top = margin.top + index * (rowHeight + margin.row) + 16;
    return bars(name, values, spans, top);
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    `<text x="${margin.left}" y="22" font-size="13">${escapeText(title)}</text>`,
    ...drawn,
    "</svg>",
    "",
  ].join("\n");
}

function bars(name: string, values: readonly number[], spans: readonly Span[], top: number): string {
  const most = Math.max(1, ...values);
  const step = (width - margin.left - margin.right) / values.length;
  const height = rowHeight - 16;
  const rects = values.map((value, index) => {
    const tall = (value / most) * height;
    const title = `<title>up to ${hours(spans[index])}: ${value.toLocaleString("en")}</title>`;
    const [x, y] = [margin.left + index * step + 1, top + height - tall];
    return `<rect x="${fixed(x)}" y="${fixed(y)}" width="${fixed(step - 2)}" height="${fixed(tall)}" fill="#2563eb">${title}</rect>`;
  });
  const middle = spans[Math.floor((spans.length - 1) / 2)];
  return [
    `<text x="${margin.left}" y="${top - 6}" fill="#334155">${name}</text>`,
    `<text x="${margin.left - 8}" y="${top + 10}" text-anchor="end" fill="#64748b">${most.toLocaleString("en")}</text>`,
    `<text x="${margin.left - 8}" y="${top + height}" text-anchor="end" fill="#64748b">0</text>`,
    `<line x1="${margin.left}" x2="${width - margin.right}" y1="${top + height}" y2="${top + height}" stroke="#94a3b8"/>`,
    ...rects,
    `<text x="${width / 2}" y="${top + height + 14}" text-anchor="middle" fill="#64748b">${hours(middle)}</text>`,
    `<text x="${width - margin.right}" y="${top + height + 14}" text-anchor="end" fill="#64748b">${hours(spans.at(-1))}</text>`,
  ].join("\n");
}

const hours = (span: Span | undefined) => `${Number((span?.endHours ?? 0).toFixed(2))} h`;
const fixed = (value: number) => Number(value.toFixed(2));
const escapeText = (text: string) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;");
