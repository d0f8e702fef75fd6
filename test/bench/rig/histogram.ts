/** How often each whole number came: index -> count. Small enough to travel between processes, unlike its samples. */
export type Counts = readonly number[];

/** The highest number that is told apart; what is above it counts as it. */
const HIGHEST = 120_000;

/** Counts whole numbers, be they milliseconds or messages. */
export class Histogram {
  readonly counts: number[] = [];

  add(value: number): void {
    const index = Math.min(HIGHEST, Math.max(0, Math.round(value)));
    while (this.counts.length <= index) this.counts.push(0);
    this.counts[index] = (this.counts[index] ?? 0) + 1;
  }
}

export function countsOf(values: readonly number[]): Counts {
  const histogram = new Histogram();
  for (const value of values) histogram.add(value);
  return histogram.counts;
}

export function mergeCounts(all: readonly Counts[]): Counts {
  const length = Math.max(0, ...all.map((counts) => counts.length));
  return Array.from({ length }, (_, index) => all.reduce((sum, counts) => sum + (counts[index] ?? 0), 0));
}

/** The number below or at which a share (0 to 1) of the counted ones lies; NaN of none. */
export function percentileOf(counts: Counts, share: number): number {
  const wanted = counts.reduce((sum, count) => sum + count, 0) * share;
  let passed = 0;
  for (const [value, count] of counts.entries()) {
    passed += count;
    if (count > 0 && passed >= wanted) return value;
  }
  return Number.NaN;
}

/** The mean of the counted numbers; NaN of none. */
export function meanOf(counts: Counts): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.reduce((sum, count, value) => sum + count * value, 0) / total;
}
