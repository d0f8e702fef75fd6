import type { Sample } from "../sample.ts";
import type { Field } from "./figures.ts";

/** How much is shown. */
export const shownSeconds = 120;
/** An instance of which nothing was heard for so long is gone: it ended, was frozen, or cannot reach Redis. */
const goneAfterSeconds = 4;
/** More seconds without a value than these leave a hole in a line. */
const bridgedSeconds = 2;

/** What is known of one instance. */
export interface Instance {
  readonly id: string;
  readonly name: string;
  /** The lowest number that no other instance has: it decides the colour. */
  readonly slot: number;
  readonly isGone: boolean;
  /** Its sample of a second. */
  at(second: number): Sample | undefined;
}

/** What is drawn: the seconds that are complete, oldest first, and the instances that were there in them. */
export interface View {
  readonly seconds: readonly number[];
  readonly instances: readonly Instance[];
}

interface Kept {
  readonly name: string;
  readonly slot: number;
  /** What brings the instance's clock to that of this page, in whole seconds. */
  readonly offsetMs: number;
  readonly samples: Map<number, Sample>;
  newest: number;
}

/** Keeps what was told in the last two minutes, second by second. */
export class History {
  readonly #instances = new Map<string, Kept>();
  /** The second in which the newest sample was told: samples of other instances may still come for it. */
  #newest = Number.NEGATIVE_INFINITY;

  add(sample: Sample, nowMs: number): void {
    const kept = this.#instances.get(sample.instance) ?? this.#begin(sample, nowMs);
    const second = Math.round((sample.atMs + kept.offsetMs) / 1000);
    kept.samples.set(second, sample);
    kept.newest = Math.max(kept.newest, second);
    if (second > this.#newest) {
      this.#newest = second;
      this.#forget();
    }
  }

  /** The last second that is complete; undefined before there is one. */
  get last(): number | undefined {
    return Number.isFinite(this.#newest) ? this.#newest - 1 : undefined;
  }

  view(): View {
    const last = this.last;
    if (last === undefined) return { seconds: [], instances: [] };
    const seconds = Array.from({ length: shownSeconds }, (_, index) => last - shownSeconds + 1 + index);
    const instances = [...this.#instances].map(([id, { name, slot, samples, newest }]) => {
      // What goes on changing while this view is looked at, as in a pause, must not change it.
      const shown = new Map(samples);
      return { id, name, slot, isGone: newest <= last - goneAfterSeconds, at: (second: number) => shown.get(second) };
    });
    return { seconds, instances };
  }

  #begin({ instance, name, atMs }: Sample, nowMs: number): Kept {
    const taken = new Set([...this.#instances.values()].map(({ slot }) => slot));
    let slot = 0;
    while (taken.has(slot)) slot += 1;
    const offsetMs = Math.round((nowMs - atMs) / 1000) * 1000;
    const kept = { name, slot, offsetMs, samples: new Map(), newest: Number.NEGATIVE_INFINITY };
    this.#instances.set(instance, kept);
    return kept;
  }

  #forget(): void {
    const oldest = this.#newest - shownSeconds;
    for (const [id, { samples, newest }] of this.#instances) {
      for (const second of samples.keys()) if (second < oldest) samples.delete(second);
      if (newest < oldest) this.#instances.delete(id);
    }
  }
}

/** One instance's values of a field. A few seconds without one, as when a timer was late or nothing was said, are bridged. */
export function valuesOf(
  { at }: Pick<Instance, "at">,
  field: Field,
  seconds: readonly number[],
): readonly (number | null)[] {
  const nearest = (second: number, step: 1 | -1) => {
    for (let distance = 1; distance <= bridgedSeconds; distance += 1) {
      const value = at(second + step * distance)?.[field];
      if (typeof value === "number") return { value, distance };
    }
    return undefined;
  };
  return seconds.map((second) => {
    const value = at(second)?.[field];
    if (typeof value === "number") return value;
    const [before, after] = [nearest(second, -1), nearest(second, 1)];
    if (before === undefined || after === undefined) return null;
    const length = before.distance + after.distance;
    if (length > bridgedSeconds + 1) return null;
    return before.value + ((after.value - before.value) * before.distance) / length;
  });
}

/** Whether an instance was without Redis in each second. */
export function redisAway({ seconds, instances }: View): readonly boolean[] {
  return seconds.map((second) => instances.some(({ at }) => at(second)?.isRedisUp === false));
}
