import type { Bill } from "./bill.ts";
import type { Plan, Span } from "./forecast.ts";

/** The plan in one line. */
export function headline(plan: Plan, size: { readonly cpu: number; readonly memoryMb: number }): string {
  const who = `${plan.connections.toLocaleString("en")} connections for ${plan.hours} h`;
  const what = `${plan.instanceConcurrency} on an instance of ${size.cpu} vCPU and ${size.memoryMb} MB`;
  return `${who}, ${what}, each cut after ${plan.lifetimeSeconds.toLocaleString("en")} s`;
}

/** The time line as a table. */
export function describeSpans(spans: readonly Span[]): string {
  const rows = spans.map(({ endHours, instances, moves, billedSeconds }) => [
    `${Number(endHours.toFixed(2))} h`,
    instances.toLocaleString("en"),
    moves.toLocaleString("en"),
    Math.round(billedSeconds).toLocaleString("en"),
  ]);
  const head = ["up to", "instances", "moves", "billed s"];
  return [head, ...rows].map((cells) => cells.map((cell) => cell.padStart(11)).join("")).join("\n");
}

export function describeBill(name: string, { currency, lines, total }: Bill): string {
  const shown = [...lines.filter(({ amount }) => amount > 0), { what: "together", amount: total }];
  return [
    name,
    ...shown.map(({ what, amount }) => `  ${what.padEnd(28)}${amount.toFixed(2).padStart(10)} ${currency}`),
  ].join("\n");
}
