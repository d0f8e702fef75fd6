import type { Membership, Publish } from "./history.ts";
import type { LogNode, LogTree, Loss } from "./log-tree.ts";

/** The periodic check by which an instance finds at the latest that Redis has lost what it knew, and some more. */
const REPORTED_WITHIN_MS = 20_000;

/** Who knew what of a room: clients by what they were told and acknowledged, and so the instances that told them. */
export class Witnesses {
  readonly #kept: ReadonlySet<string | undefined>;
  /** Text -> the call that published it. */
  readonly #publishes: ReadonlyMap<string, Publish>;
  /** Text and position of all that was told or acknowledged to anybody, and when that was first. */
  readonly #knownAtMs = new Map<string, number>();
  readonly #instanceEndsMs: readonly number[];

  constructor(
    tree: LogTree,
    memberships: readonly Membership[],
    publishes: readonly Publish[],
    instanceEndsMs: readonly number[],
  ) {
    this.#kept = new Set(tree.trunk.map(({ text }) => text));
    this.#publishes = new Map(publishes.map((publish) => [publish.text, publish]));
    this.#instanceEndsMs = instanceEndsMs;
    for (const { events } of memberships) {
      for (const event of events) if (event.kind === "message") this.#note(event, event.atMs);
    }
    for (const { text, outcome } of publishes) {
      if (outcome.kind === "acknowledged") this.#note({ text, position: outcome.position }, outcome.atMs);
    }
  }

  /** Whether a message is in the log at the end, wherever it stands there. */
  isKept(text: string): boolean {
    return this.#kept.has(text);
  }

  /** Whether a publish was acknowledged at exactly this entry; without `client`, to anybody. */
  wasAcknowledged({ text, position }: LogNode, client?: string): boolean {
    const publish = this.#publishes.get(text ?? "");
    if (publish?.outcome.kind !== "acknowledged" || publish.outcome.position !== position) return false;
    return client === undefined || publish.client === client;
  }

  /** Whether the instance that told or acknowledged an entry surely lived on until it could report the loss. */
  isKnown({ text, position }: LogNode, loss: Loss): boolean {
    const knownAtMs = this.#knownAtMs.get(`${position} ${text}`);
    if (knownAtMs === undefined) return false;
    return !this.#instanceEndsMs.some(
      (atMs) => knownAtMs - REPORTED_WITHIN_MS <= atMs && atMs <= loss.atMs + REPORTED_WITHIN_MS,
    );
  }

  #note({ text, position }: Pick<LogNode, "text" | "position">, atMs: number): void {
    const key = `${position} ${text}`;
    this.#knownAtMs.set(key, Math.min(atMs, this.#knownAtMs.get(key) ?? atMs));
  }
}
