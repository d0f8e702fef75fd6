import { RequestError } from "../errors.ts";
import type { HeldLease } from "./lease.ts";
import { type Outcome, OutcomeUnknown, type RoomHead, type WrittenChange } from "./presence-store.ts";

export interface RoomWritesOptions {
  readonly held: () => Promise<HeldLease>;
  readonly apply: (
    lease: HeldLease,
    changes: readonly WrittenChange[],
  ) => Promise<{ readonly head: RoomHead; readonly outcomes: readonly Outcome[] } | "late">;
  /** The name has lapsed, or nobody knows what Redis holds under it. */
  readonly giveUp: (name: string, hasLapsed: boolean) => void;
  readonly onApplied: (head: RoomHead, changes: readonly WrittenChange[], outcomes: readonly Outcome[]) => void;
}

interface Waiting {
  readonly change: WrittenChange;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

/** Changes that one call carries at most. */
const batchChanges = 256;
/** How long after a failure what must not be given up is tried again. */
const retryMs = 1_000;
/** Between a count that was not published and the call that publishes it: as long as the script wants, and some more. */
const flushMs = 50;
const flushSpreadMs = 10;

/**
 * The changes that this instance makes to the members of one room: in order, one call at a time. While Redis is away an
 * ending is kept and tried again, because nobody else would make it; what a client asked for fails, since it asks again.
 */
export class RoomWrites {
  readonly #options: RoomWritesOptions;
  #waiting: Waiting[] = [];
  #underWay: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #flush: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: RoomWritesOptions) {
    this.#options = options;
  }

  get isIdle(): boolean {
    return this.#waiting.length === 0 && this.#underWay === undefined;
  }

  /** Resolves with what the change did. Throws UNAVAILABLE, never for endings and restorations. */
  push(change: WrittenChange): Promise<Outcome> {
    const outcome = new Promise<Outcome>((resolve, reject) => {
      this.#waiting.push({ change, resolve, reject });
    });
    this.#start();
    return outcome;
  }

  /** Tries now what waits for Redis. */
  wake(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#start();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#flush);
    const error = new RequestError("UNAVAILABLE", "this instance is going away");
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  #start(): void {
    if (this.#isClosed || this.#underWay !== undefined || this.#timer !== undefined || this.#waiting.length === 0)
      return;
    this.#underWay = this.#drain().finally(() => {
      this.#underWay = undefined;
      this.#start();
    });
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#isClosed) {
      let lease: HeldLease | undefined;
      let batch: Waiting[] = [];
      try {
        lease = await this.#options.held();
        batch = this.#waiting.splice(0, batchChanges);
        const { name } = lease;
        const changes = batch.map(({ change }) => underName(change, name));
        const answer = await this.#options.apply(lease, changes);
        if (answer === "late") {
          this.#waiting.unshift(...batch);
          this.#options.giveUp(lease.name, true);
          continue;
        }
        this.#settle(answer.head, batch, changes, answer.outcomes);
      } catch (error) {
        this.#fail(error, batch, lease);
        return;
      }
    }
  }

  #settle(head: RoomHead, batch: readonly Waiting[], changes: readonly WrittenChange[], outcomes: readonly Outcome[]) {
    this.#options.onApplied(head, changes, outcomes);
    if (head.owesCount) this.#publishCountLater();
    batch.forEach(({ resolve }, index) => {
      resolve(outcomes[index] ?? { did: "nothing", joinedAtMs: undefined });
    });
  }

  #fail(error: unknown, batch: readonly Waiting[], lease: HeldLease | undefined): void {
    const all = [...batch, ...this.#waiting];
    this.#waiting = all.filter(({ change }) => mustHappen(change));
    const unavailable =
      error instanceof OutcomeUnknown ? new RequestError("UNAVAILABLE", "the message store cannot be reached") : error;
    for (const { change, reject } of all) if (!mustHappen(change)) reject(unavailable);
    // What was added may arrive yet, when its connection is gone: under a name that is then dead.
    const isDoubtful = error instanceof OutcomeUnknown && batch.some(({ change }) => !isEnding(change));
    if (isDoubtful && lease !== undefined) this.#options.giveUp(lease.name, false);
    if (!this.#isClosed && this.#waiting.length > 0) this.#timer ??= setTimeout(() => this.wake(), retryMs).unref();
  }

  #publishCountLater(): void {
    if (this.#isClosed) return;
    this.#flush ??= setTimeout(() => void this.#publishCount(), flushMs + flushSpreadMs * Math.random()).unref();
  }

  async #publishCount(): Promise<void> {
    this.#flush = undefined;
    try {
      const answer = await this.#options.apply(await this.#options.held(), []);
      if (answer !== "late" && answer.head.owesCount) this.#publishCountLater();
    } catch {
      // The next change, or the next check of any instance, tells the count.
    }
  }
}

/**
 * What is added is added under the present name. An ending names both: what it ends may have been added under either, as
 * it waited behind that.
 */
function underName(change: WrittenChange, name: string): WrittenChange {
  const [earlier = "", connection = ""] = change.holder.split(".");
  if (earlier === name) return change;
  const present = `${name}.${connection}`;
  if (isEnding(change)) return { ...change, otherHolder: present };
  return { ...change, holder: present, otherHolder: change.otherHolder === "" ? change.holder : change.otherHolder };
}

function isEnding({ kind }: WrittenChange): boolean {
  return kind === "end" || kind === "leave";
}

function mustHappen(change: WrittenChange): boolean {
  return isEnding(change) || change.kind === "restore";
}
