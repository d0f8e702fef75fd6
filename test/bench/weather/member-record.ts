import { type Counts, Histogram } from "../rig/histogram.ts";
import type { Stamp } from "../rig/stamp.ts";

/** A message that its publisher knows to be stored. */
export interface Acknowledged {
  readonly publisher: number;
  readonly number: number;
}

/** A time without a connection. Milliseconds of `Date.now()`. */
interface Outage {
  readonly downAtMs: number;
  /** When a new connection was possible again. */
  readonly onlineAtMs: number;
  upAtMs?: number;
}

/** One message's way. Milliseconds of `Date.now()`. */
interface Times {
  readonly sentAtMs: number;
  /** When a server took it: later than the send where the publisher had no connection. */
  readonly takenAtMs: number;
  readonly receivedAtMs: number;
}

/** What members together went through. */
export interface Summary {
  readonly expected: number;
  /** Acknowledged messages that a member did not get. */
  readonly lost: number;
  readonly repeated: number;
  readonly disordered: number;
  readonly gaps: number;
  readonly outages: number;
  /** For each member: how often it moved to another connection before it was cut. */
  readonly moves: Counts;
  /** For each member: the longest time between two messages. */
  readonly silenceMs: Counts;
  /** When members were on another connection than before, moved or back. Milliseconds of `Date.now()`. */
  readonly arrivalsMs: readonly number[];
  /** Milliseconds from a send to the member's receipt, outages included. */
  readonly latencyMs: Counts;
  /** For each outage: from the new connection to having everything that a server took before it. */
  readonly replayMs: Counts;
  /** For each outage: from the cut to the new connection. */
  readonly reconnectMs: Counts;
  /** For each outage: from when a connection was possible again to having everything taken before the new one. */
  readonly backMs: Counts;
}

/** What one member receives and when it has a connection. */
export class MemberRecord {
  gaps = 0;
  delivered = 0;
  repeated = 0;
  disordered = 0;
  readonly outages: Outage[] = [];
  /** When it had moved, each time. Milliseconds of `Date.now()`. */
  readonly moves: number[] = [];
  readonly #numbers = new Map<number, Set<number>>();
  readonly #last = new Map<number, number>();
  readonly times: Times[] = [];

  take({ publisher, number, sentAtMs }: Stamp, takenAtMs: number): void {
    const numbers = this.#numbers.get(publisher) ?? new Set();
    this.#numbers.set(publisher, numbers);
    if (numbers.has(number)) {
      this.repeated += 1;
      return;
    }
    if (number < (this.#last.get(publisher) ?? -1)) this.disordered += 1;
    numbers.add(number);
    this.#last.set(publisher, number);
    this.delivered += 1;
    this.times.push({ sentAtMs, takenAtMs, receivedAtMs: Date.now() });
  }

  has({ publisher, number }: Acknowledged): boolean {
    return this.#numbers.get(publisher)?.has(number) ?? false;
  }

  /** The connection is lost; the next one is possible from `onlineAtMs` on. */
  down(onlineAtMs: number): void {
    const downAtMs = Date.now();
    this.outages.push({ downAtMs, onlineAtMs: Math.max(downAtMs, onlineAtMs) });
  }

  up(): void {
    const outage = this.outages.at(-1);
    if (outage !== undefined) outage.upAtMs ??= Date.now();
  }

  moved(): void {
    this.moves.push(Date.now());
  }

  get isDown(): boolean {
    const outage = this.outages.at(-1);
    return outage !== undefined && outage.upAtMs === undefined;
  }
}

/** Holds what members received against what was acknowledged. */
export function summarize(records: readonly MemberRecord[], acknowledged: readonly Acknowledged[]): Summary {
  const [latency, replay, reconnect, back] = [new Histogram(), new Histogram(), new Histogram(), new Histogram()];
  const [moves, silence] = [new Histogram(), new Histogram()];
  let lost = 0;
  for (const record of records) {
    moves.add(record.moves.length);
    silence.add(longestSilenceMs(record));
    lost += acknowledged.filter((message) => !record.has(message)).length;
    for (const { sentAtMs, receivedAtMs } of record.times) latency.add(receivedAtMs - sentAtMs);
    for (const [index, { downAtMs, onlineAtMs, upAtMs }] of record.outages.entries()) {
      if (upAtMs === undefined) continue;
      reconnect.add(upAtMs - downAtMs);
      const late = record.times.filter(({ takenAtMs, receivedAtMs }) => takenAtMs < upAtMs && receivedAtMs >= upAtMs);
      const caughtUpMs = late.reduce((latest, { receivedAtMs }) => Math.max(latest, receivedAtMs), upAtMs);
      // Cut again before it had all: what it missed counts for the next outage.
      if (caughtUpMs > (record.outages[index + 1]?.downAtMs ?? Number.POSITIVE_INFINITY)) continue;
      replay.add(caughtUpMs - upAtMs);
      back.add(caughtUpMs - onlineAtMs);
    }
  }
  const total = (count: (record: MemberRecord) => number) => records.reduce((sum, record) => sum + count(record), 0);
  return {
    expected: acknowledged.length * records.length,
    lost,
    repeated: total(({ repeated }) => repeated),
    disordered: total(({ disordered }) => disordered),
    gaps: total(({ gaps }) => gaps),
    outages: total(({ outages }) => outages.length),
    moves: moves.counts,
    silenceMs: silence.counts,
    arrivalsMs: records.flatMap((record) => [...record.moves, ...record.outages.flatMap(({ upAtMs }) => upAtMs ?? [])]),
    latencyMs: latency.counts,
    replayMs: replay.counts,
    reconnectMs: reconnect.counts,
    backMs: back.counts,
  };
}

function longestSilenceMs({ times }: MemberRecord): number {
  const received = times.map(({ receivedAtMs }) => receivedAtMs);
  return received.reduce((longest, atMs, index) => Math.max(longest, atMs - (received[index - 1] ?? atMs)), 0);
}
