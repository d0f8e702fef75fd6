/** One measured quantity, with a value for each column of the report. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  /** In the order of the columns; null where a column has none. */
  readonly values: readonly (number | null)[];
}

/** What the project wants to be held to. Missing it is told, and never fails a run: the machine may have been busy. */
interface Target {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  readonly atMost: number;
}

export interface Report {
  /** What was measured side by side. */
  readonly columns: readonly string[];
  readonly figures: readonly Figure[];
  readonly targets: readonly Target[];
  /** What went wrong with the messages themselves; a run with any fails. */
  readonly failures: readonly string[];
}

/** The report as a person reads it. */
export function formatReport({ columns, figures, targets, failures }: Report): string {
  const rows = [["", ...columns], ...figures.map(formatFigure)];
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

function formatFigure({ name, unit, values }: Figure): string[] {
  return [unit === "" ? name : `${name} (${unit})`, ...values.map((value) => formatNumber(value))];
}

function formatTarget({ name, unit, value, atMost }: Target): string {
  const verdict = value <= atMost ? "met" : "MISSED";
  return `Target ${verdict}: ${name} ${formatNumber(value)} ${unit}, at most ${formatNumber(atMost)}`;
}

function formatNumber(value: number | null): string {
  if (value === null || Number.isNaN(value)) return "-";
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : 2;
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
