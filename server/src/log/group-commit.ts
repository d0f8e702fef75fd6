import { limits, type Position } from "@holdfast/client/protocol";
import { elapsedMs, type Moment, momentNow } from "../clock/elapsed.ts";
import { OverLimit, RequestError } from "../errors.ts";

/** A message on its way into a room's log. */
export interface Draft {
  readonly id: string;
  /** The id that must be stored before this one, or "". */
  readonly after: string;
  /** The message's JSON without its opening brace and position. */
  readonly body: string;
  /** Length of the body in UTF-8. */
  readonly bytes: number;
}

/** What became of a draft. */
export type Outcome = { readonly position: Position; readonly duplicate: boolean } | "out-of-order";

interface Waiting {
  readonly draft: Draft;
  readonly since: Moment;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

interface Lane {
  waiting: Waiting[];
  waitingBytes: number;
}

/** Drafts and bytes that may wait in one room, and bytes in all rooms, before publishes are refused. */
const laneMessages = 8_192;
const laneBytes = 4 * 1024 * 1024;
const allLanesBytes = 64 * 1024 * 1024;
const retryAfterMs = 250;
/** How long a draft may wait for its append: by then its client has stopped waiting, and has sent it again. */
const longestWaitMs = limits.acknowledgementTimeoutMs;

/**
 * Group commit: while a room's append is under way, later drafts of that room wait and go out as the next batch. So a
 * quiet room is not delayed, and a busy one pays one round trip for many messages. Where a room has a pause, the next
 * batch also waits until so long after the last one was sent; the first message after a quiet time never does.
 *
 * When an append fails, everything that waits for it fails with it. So no publish succeeds whose predecessor failed, and
 * no publisher waits for several time limits in a row.
 */
export class GroupCommit {
  readonly #append: (room: string, batch: readonly Draft[]) => Promise<readonly Outcome[]>;
  readonly #pauseMs: (room: string) => number;
  readonly #lanes = new Map<string, Lane>();
  #allBytes = 0;

  /** @param pauseMs - the least time from one batch of a room to its next; a full batch does not wait */
  constructor(
    append: (room: string, batch: readonly Draft[]) => Promise<readonly Outcome[]>,
    pauseMs: (room: string) => number = () => 0,
  ) {
    this.#append = append;
    this.#pauseMs = pauseMs;
  }

  /** Bytes of drafts that wait, in all rooms. */
  get waitingBytes(): number {
    return this.#allBytes;
  }

  /** Resolves when the draft is in the log, was there before, or is out of order. Throws RATE_LIMITED or UNAVAILABLE. */
  submit(room: string, draft: Draft): Promise<Outcome> {
    const lane = this.#lanes.get(room);
    const { bytes } = draft;
    if (this.#allBytes + bytes > allLanesBytes || (lane !== undefined && isFull(lane, bytes))) {
      return Promise.reject(new OverLimit("lane", "RATE_LIMITED", "the room's queue is full", retryAfterMs));
    }
    return new Promise((resolve, reject) => {
      const waiting = { draft, since: momentNow(), resolve, reject };
      this.#allBytes += bytes;
      if (lane === undefined) {
        const opened: Lane = { waiting: [waiting], waitingBytes: bytes };
        this.#lanes.set(room, opened);
        void this.#drain(room, opened);
      } else {
        lane.waiting.push(waiting);
        lane.waitingBytes += bytes;
      }
    });
  }

  async #drain(room: string, lane: Lane): Promise<void> {
    while (lane.waiting.length > 0) {
      const batch = this.#take(lane, batchLength(lane.waiting)).filter((waiting) => !isLate(waiting));
      if (batch.length === 0) continue;
      const sentAtMs = performance.now();
      try {
        const outcomes = await this.#append(
          room,
          batch.map(({ draft }) => draft),
        );
        batch.forEach(({ resolve, reject }, index) => {
          const outcome = outcomes[index];
          if (outcome === undefined)
            reject(new Error(`the append answered ${outcomes.length} of ${batch.length} drafts`));
          else resolve(outcome);
        });
      } catch (error) {
        for (const { reject } of [...batch, ...this.#take(lane, lane.waiting.length)]) reject(error);
      }
      const isNextFull = batchLength(lane.waiting) < lane.waiting.length;
      const leftMs = isNextFull ? 0 : this.#pauseMs(room) - (performance.now() - sentAtMs);
      if (leftMs > 0) await new Promise((resolve) => setTimeout(resolve, leftMs));
    }
    this.#lanes.delete(room);
  }

  #take(lane: Lane, count: number): Waiting[] {
    const taken = lane.waiting.splice(0, count);
    const bytes = taken.reduce((sum, { draft }) => sum + draft.bytes, 0);
    lane.waitingBytes -= bytes;
    this.#allBytes -= bytes;
    return taken;
  }
}

/** Refuses a draft that has waited for too long, as after a freeze of this process. */
function isLate({ since, reject }: Waiting): boolean {
  if (elapsedMs(since) <= longestWaitMs) return false;
  reject(new RequestError("UNAVAILABLE", "the message waited too long to be stored"));
  return true;
}

function isFull(lane: Lane, moreBytes: number): boolean {
  return lane.waiting.length >= laneMessages || lane.waitingBytes + moreBytes > laneBytes;
}

/** How many of the waiting drafts make the next batch: as many as the limits allow, at least one. */
export function batchLength(waiting: readonly { readonly draft: Draft }[]): number {
  let bytes = 0;
  let count = 0;
  for (const { draft } of waiting) {
    bytes += draft.bytes;
    if (count > 0 && (count >= limits.batchMessages || bytes > limits.batchBytes)) break;
    count += 1;
  }
  return count;
}
