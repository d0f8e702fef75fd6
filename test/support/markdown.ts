import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

// The little of Markdown that the documents' tests need: headings, tables and `code`. Cells with a pipe escape it.

export const repository = fileURLToPath(new URL("../..", import.meta.url));

/** The text of a file of the repository. */
export function read(path: string): string {
  return readFileSync(join(repository, path), "utf8");
}

const notOurs = new Set(["node_modules", "dist", ".git"]);

/** Every Markdown file of the repository, relative to its root. */
export function markdownFiles(folder = ""): string[] {
  return readdirSync(join(repository, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return notOurs.has(entry.name) ? [] : markdownFiles(path);
    return entry.name.endsWith(".md") ? [path] : [];
  });
}

/** Headings of a page, of every level, as they are written. */
export function headings(markdown: string): string[] {
  return withoutFences(markdown).flatMap((line) => /^#+ (.+)$/.exec(line)?.[1] ?? []);
}

/** The anchor that a Markdown viewer gives to a heading. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{Letter}\p{Number} _-]/gu, "")
    .replaceAll(" ", "-");
}

/** One row of a table: heading of the column -> cell. */
export type Row = Readonly<Record<string, string>>;

/**
 * The rows of the first table between a heading and the next one.
 *
 * @throws when the page has no such heading, or no table below it
 */
export function tableUnder(markdown: string, heading: string): Row[] {
  const section = sectionUnder(markdown, heading);
  const first = section.findIndex((line) => line.startsWith("|"));
  if (first === -1) throw new Error(`expected a table under "${heading}", found none`);
  const last = section.findIndex((line, index) => index > first && !line.startsWith("|"));
  const [head = [], , ...body] = section.slice(first, last === -1 ? undefined : last).map(cells);
  return body.map((row) => Object.fromEntries(head.map((name, column) => [name, row[column] ?? ""])));
}

/** The lines between a heading and the next one. */
function sectionUnder(markdown: string, heading: string): string[] {
  const lines = withoutFences(markdown);
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, "") === heading);
  if (start === -1) throw new Error(`expected a heading "${heading}", found none`);
  const length = lines.slice(start + 1).findIndex((line) => /^#+ /.test(line));
  return lines.slice(start + 1, length === -1 ? undefined : start + 1 + length);
}

/** The items of the lists between a heading and the next one, each as one line. Throws where the page has no such heading. */
export function listUnder(markdown: string, heading: string): string[] {
  const items: string[] = [];
  for (const line of sectionUnder(markdown, heading)) {
    const start = /^(?:-|\d+\.) (.+)$/.exec(line)?.[1];
    if (start !== undefined) items.push(start);
    else if (/^ {2,}\S/.test(line) && items.length > 0) items.push(`${items.pop()} ${line.trim()}`);
  }
  return items;
}

/** The cell of a column. Throws when the table has no such column. */
export function cell(row: Row, column: string): string {
  const text = row[column];
  if (text === undefined) throw new Error(`expected a column "${column}", found ${Object.keys(row).join(", ")}`);
  return text;
}

/** Every `code` in a text, in order. */
export function codes(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);
}

/** The one `code` in a cell. Throws when there is none or more than one. */
export function code(row: Row, column: string): string {
  const found = codes(cell(row, column));
  if (found[0] === undefined || found.length > 1) {
    throw new Error(`expected one \`code\` in "${column}", got "${cell(row, column)}"`);
  }
  return found[0];
}

/** The examples that begin with the name of their file: name -> text. */
export function namedExamples(markdown: string): Readonly<Record<string, string>> {
  const found = markdown.matchAll(/```(?:tsx?|html)\n(?:\/\/|<!--) (\w+\.(?:tsx?|html))(?: -->)?\n(.*?)```/gs);
  return Object.fromEntries([...found].map(([, name = "", text = ""]) => [name, text]));
}

/** The text of the fenced examples in one language between a heading and the next one of its level or above. */
export function examplesUnder(markdown: string, heading: string, language: string): string[] {
  const [level] = /^#+/.exec(heading) ?? [];
  const start = `\n${markdown}`.indexOf(`\n${heading}\n`);
  if (level === undefined || start === -1) throw new Error(`expected a heading "${heading}", found none`);
  const rest = markdown.slice(start + heading.length + 1);
  const end = new RegExp(`^#{1,${level.length}} `, "m").exec(rest)?.index;
  const fences = rest.slice(0, end).matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"));
  return [...fences].map(([, text = ""]) => text);
}

function cells(line: string): string[] {
  return line
    .replace(/^\||\|\s*$/g, "")
    .split(/(?<!\\)\|/)
    .map((text) => text.trim().replaceAll("\\|", "|"));
}

/** The lines of a page; those inside fenced code are empty. */
function withoutFences(markdown: string): string[] {
  let isInside = false;
  return markdown.split("\n").map((line) => {
    const isFence = line.trimStart().startsWith("```");
    if (isFence) isInside = !isInside;
    return isInside || isFence ? "" : line;
  });
}
