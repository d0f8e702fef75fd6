/** The labels of a metric, with every value that each may have. */
export type LabelSets = Readonly<Record<string, readonly string[]>>;
/** One value for each label. */
export type Labels = Readonly<Record<string, string>>;

/** What was counted under one combination of labels. */
export interface Count {
  readonly labels: Labels;
  readonly value: number;
}

/** What was observed under one combination of labels. */
export interface Observations {
  readonly labels: Labels;
  /** How many were at most as large as each of the bounds. */
  readonly atMost: readonly number[];
  readonly count: number;
  readonly sum: number;
}

/** Counts, by labels whose values are known beforehand: adding costs no memory, however much is added. */
export class Counts {
  readonly #sets: LabelSets;
  readonly #values: Float64Array;

  constructor(sets: LabelSets) {
    this.#sets = sets;
    this.#values = new Float64Array(combinations(sets).length);
  }

  /** Labels that are not known count nowhere. */
  add(labels: Labels, by: number): void {
    const at = placeOf(this.#sets, labels);
    if (at >= 0) this.#values[at] = (this.#values[at] ?? 0) + by;
  }

  /** Every combination, those that nothing was counted under as well. */
  all(): readonly Count[] {
    return combinations(this.#sets).map((labels, at) => ({ labels, value: this.#values[at] ?? 0 }));
  }
}

/** The same for a distribution, in fixed buckets. */
export class Distribution {
  readonly #sets: LabelSets;
  readonly #bounds: readonly number[];
  /** For each combination a place for each bound, one for what is above the last, and one for the sum. */
  readonly #values: Float64Array;

  /** @param bounds - of the buckets, in their order */
  constructor(sets: LabelSets, bounds: readonly number[]) {
    this.#sets = sets;
    this.#bounds = bounds;
    this.#values = new Float64Array(combinations(sets).length * this.#width);
  }

  /** @param times - how often the value was observed */
  observe(labels: Labels, value: number, times: number): void {
    const place = placeOf(this.#sets, labels);
    if (place < 0) return;
    const start = place * this.#width;
    let bucket = 0;
    while (bucket < this.#bounds.length && value > (this.#bounds[bucket] ?? 0)) bucket += 1;
    this.#add(start + bucket, times);
    this.#add(start + this.#bounds.length + 1, value * times);
  }

  all(): readonly Observations[] {
    return combinations(this.#sets).map((labels, place) => {
      const values = this.#values.subarray(place * this.#width, (place + 1) * this.#width);
      const sum = values[this.#bounds.length + 1] ?? 0;
      let count = 0;
      const atMost = this.#bounds.map((_, bucket) => {
        count += values[bucket] ?? 0;
        return count;
      });
      return { labels, atMost, count: count + (values[this.#bounds.length] ?? 0), sum };
    });
  }

  get #width(): number {
    return this.#bounds.length + 2;
  }

  #add(at: number, by: number): void {
    this.#values[at] = (this.#values[at] ?? 0) + by;
  }
}

/** Every combination of the labels' values, in the order of their places. */
function combinations(sets: LabelSets): readonly Labels[] {
  return Object.entries(sets).reduce<readonly Labels[]>(
    (before, [label, values]) => before.flatMap((labels) => values.map((value) => ({ ...labels, [label]: value }))),
    [{}],
  );
}

/** -1 where a value is not one of its label's. */
function placeOf(sets: LabelSets, labels: Labels): number {
  let place = 0;
  for (const label in sets) {
    const values = sets[label] ?? [];
    const at = values.indexOf(labels[label] ?? "");
    if (at < 0) return -1;
    place = place * values.length + at;
  }
  return place;
}
