import type { Plot } from "./plot.ts";

/** One measured quantity, with a value for each column of the report. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  /** In the order of the columns; null where a column has none. */
  readonly values: readonly (number | null)[];
  /** The same work was done in every column, so that its ratio to plain Socket.IO says something. */
  readonly isCompared?: boolean;
}

/** What the project wants to be held to. Missing it is told, and never fails a run: the machine may have been busy. */
export interface Target {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  readonly atMost: number;
}

export interface Report {
  /** What was measured side by side. */
  readonly columns: readonly string[];
  /** The column of plain Socket.IO, which ratios are held against. */
  readonly against?: number;
  readonly figures: readonly Figure[];
  readonly targets: readonly Target[];
  /** What went wrong with the messages themselves; a run with any fails. */
  readonly failures: readonly string[];
  /** What a picture shows better than a table. */
  readonly plots?: readonly Plot[];
}

/** For each column, how many times as much it is as in the column of plain Socket.IO; undefined where that says nothing. */
export function ratios({ against }: Pick<Report, "against">, figure: Figure): readonly (number | null)[] | undefined {
  const base = against === undefined ? undefined : figure.values[against];
  if (figure.isCompared !== true || base === undefined || base === null || !(base > 0)) return undefined;
  return figure.values.map((value, column) => (value === null || column === against ? null : value / base));
}

/** The report as a person reads it. */
export function formatReport(report: Report): string {
  const { columns, figures, targets, failures } = report;
  const rows = [["", ...columns], ...figures.flatMap((figure) => formatFigure(report, figure))];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))),
  );
  return [
    ...lines.map((cells) => cells.join("   ").trimEnd()),
    "",
    ...targets.map(formatTarget),
    ...failures.map((failure) => `FAILED: ${failure}`),
    failures.length === 0 ? "Correct: every check of the messages passed." : "",
  ].join("\n");
}

function formatFigure(report: Report, figure: Figure): string[][] {
  const row = [figureName(figure), ...figure.values.map((value) => formatNumber(value))];
  const held = ratios(report, figure);
  return held === undefined
    ? [row]
    : [row, [`  against ${report.columns[report.against ?? 0]} (x)`, ...held.map((value) => formatNumber(value))]];
}

export function figureName({ name, unit }: Pick<Figure, "name" | "unit">): string {
  return unit === "" ? name : `${name} (${unit})`;
}

export function formatTarget({ name, unit, value, atMost }: Target): string {
  const verdict = value <= atMost ? "met" : "MISSED";
  const measured = [formatNumber(value), unit].filter((part) => part !== "").join(" ");
  return `Target ${verdict}: ${name} ${measured}, at most ${formatNumber(atMost)}`;
}

export function formatNumber(value: number | null): string {
  if (value === null || Number.isNaN(value)) return "-";
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : 2;
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
