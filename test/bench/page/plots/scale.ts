/** Where values lie on an axis, and which of them are named there. */
export interface Scale {
  /** The share of the axis at which a value lies, 0 to 1. */
  at(value: number): number;
  readonly ticks: readonly { readonly value: number; readonly label: string }[];
}

const TICKS = 4;

/** An axis from 0 to the first round number above the most. */
export function linear(most: number): Scale {
  const shown = most > 0 ? most : 1;
  const step = roundStep(shown / TICKS);
  const steps = Math.max(1, Math.ceil(shown / step - 1e-9));
  const end = step * steps;
  return {
    at: (value) => value / end,
    ticks: Array.from({ length: steps + 1 }, (_, index) => tick(index * step)),
  };
}

/** The first of 1, 2, 5, 10, 20, 50, … that is at least so much. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least * (1 - 1e-9)) ?? 10 * power;
}

/** An axis on which each decade is as long as the others. What is 0 lies at its beginning. */
export function logarithmic(values: readonly number[]): Scale {
  const decades = values.filter((value) => value > 0).map(Math.log10);
  const first = Math.floor(decades.reduce((least, decade) => Math.min(least, decade), decades[0] ?? 0));
  const last = Math.max(first + 1, Math.ceil(decades.reduce((most, decade) => Math.max(most, decade), first) - 1e-9));
  return {
    at: (value) => (value <= 0 ? 0 : (Math.log10(value) - first) / (last - first)),
    ticks: Array.from({ length: last - first + 1 }, (_, index) => tick(10 ** (first + index))),
  };
}

/** An axis of names at equal distances; a value is the number of a name. */
export function named(names: readonly string[]): Scale {
  const last = Math.max(1, names.length - 1);
  return { at: (value) => value / last, ticks: names.map((label, value) => ({ value, label })) };
}

function tick(value: number) {
  return { value, label: short(value) };
}

/** A number in as few characters as an axis has room for. */
export function short(value: number): string {
  if (Math.abs(value) >= 1_000_000) return `${Number((value / 1_000_000).toPrecision(3))}M`;
  if (Math.abs(value) >= 10_000) return `${Number((value / 1_000).toPrecision(3))}k`;
  return Number(value.toPrecision(3)).toLocaleString("en", { maximumFractionDigits: 6 });
}
