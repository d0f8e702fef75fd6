// Cheap bookkeeping of what a raw client receives: a benchmark with hundreds of clients in one process must not spend
// its time on JSON. A JSON string cannot hold an unescaped quote, so a marker with its quotes is found in the text only
// where it is a key; the data that a benchmark publishes must not have that key of its own.

export interface TallyOptions {
  /** Fill `latenciesMs`; default false. */
  readonly measureLatency?: boolean;
}

/** What came, held against consecutive numbering. */
export class Tally {
  /** Messages taken in order for the first time. */
  delivered = 0;
  /** Messages that came again. */
  repeated = 0;
  /** Numbers that were left out; one that comes later than its successor counts as missing and as repeated. */
  missing = 0;
  /** Milliseconds from `sentAtMs` to here, one for each message; only if asked for. */
  readonly latenciesMs: number[] = [];
  /** The epoch of the last message; 0 where the numbering has none. */
  #epoch = 0;
  /** The number of the last message. */
  #last: number | undefined;
  readonly #start: string;
  readonly #marker: string;
  readonly #measuresLatency: boolean;

  /**
   * @param event - the event whose packets count; others are passed over
   * @param marker - the text in front of each number, e.g. `"n":`
   */
  constructor(event: string, marker: string, { measureLatency = false }: TallyOptions = {}) {
    this.#start = `42${JSON.stringify([event]).slice(0, -1)},`;
    this.#marker = marker;
    this.#measuresLatency = measureLatency;
  }

  /** Takes every numbered message of a packet, and tells how many there were. */
  read(packet: string): number {
    if (!packet.startsWith(this.#start)) return 0;
    let found = 0;
    for (let at = packet.indexOf(this.#marker); at !== -1; at = packet.indexOf(this.#marker, at)) {
      at += this.#marker.length;
      this.#takeNumber(packet, at);
      found += 1;
    }
    if (this.#measuresLatency && found > 0) this.#takeLatencies(packet);
    return found;
  }

  /** Forgets the order, not the counts: for a client that starts again somewhere else. */
  restart(): void {
    this.#last = undefined;
  }

  #takeNumber(packet: string, at: number): void {
    // Either `<seq>` or a position, `<epochMs>-<seq>`.
    const first = readNumber(packet, at);
    const isPosition = packet.charCodeAt(first.end) === DASH;
    const epoch = isPosition ? first.value : 0;
    const seq = isPosition ? readNumber(packet, first.end + 1).value : first.value;
    if (epoch < this.#epoch || (epoch === this.#epoch && this.#last !== undefined && seq <= this.#last)) {
      this.repeated += 1;
      return;
    }
    if (epoch === this.#epoch && this.#last !== undefined) this.missing += seq - this.#last - 1;
    this.#epoch = epoch;
    this.#last = seq;
    this.delivered += 1;
  }

  #takeLatencies(packet: string): void {
    const nowMs = Date.now();
    for (let at = packet.indexOf(SENT_AT); at !== -1; at = packet.indexOf(SENT_AT, at)) {
      at += SENT_AT.length;
      this.latenciesMs.push(nowMs - readNumber(packet, at).value);
    }
  }
}

/** Reads the positions of `message:published`. */
export function positionTally(options?: TallyOptions): Tally {
  return new Tally("message:published", '"position":"', options);
}

/** The value below which a share (0 to 1) of the values lies; NaN of none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

const SENT_AT = '"sentAtMs":';
const DASH = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;

function readNumber(text: string, from: number): { value: number; end: number } {
  let value = 0;
  let end = from;
  for (let code = text.charCodeAt(end); code >= ZERO && code <= NINE; code = text.charCodeAt(end)) {
    value = value * 10 + code - ZERO;
    end += 1;
  }
  return { value, end };
}
