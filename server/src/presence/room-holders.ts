import { momentNow } from "../clock/elapsed.ts";
import { whenElapsed } from "../clock/when-elapsed.ts";
import { RequestError } from "../errors.ts";
import { changeOf, type Holder, type HolderOf } from "./holder.ts";
import type { Lease } from "./lease.ts";
import type { MemberVersion } from "./member-version.ts";
import type { Outcome, PresenceStore, RoomHead, WrittenChange } from "./presence-store.ts";
import { RoomWrites } from "./room-writes.ts";

export interface RoomHoldersOptions {
  readonly room: string;
  readonly store: Pick<PresenceStore, "apply">;
  readonly lease: Pick<Lease, "held" | "giveUp" | "name">;
  readonly onApplied: (head: RoomHead, changes: readonly WrittenChange[], outcomes: readonly Outcome[]) => void;
  /** A connection holds nobody any more. */
  readonly onFewer: () => void;
}

const settlePollMs = 20;

/** The connections of this instance that hold a session a member of one room: they come, are cut for a while, and go. */
export class RoomHolders {
  readonly #options: RoomHoldersOptions;
  readonly #holders = new Map<string, Holder>();
  readonly #writes: RoomWrites;
  #version: MemberVersion | undefined;

  constructor(options: RoomHoldersOptions) {
    this.#options = options;
    const { room, store, lease, onApplied } = options;
    this.#writes = new RoomWrites({
      held: () => lease.held(),
      apply: ({ name, untilMs }, changes) => store.apply(room, name, untilMs, changes),
      giveUp: (name, hasLapsed) => lease.giveUp(name, hasLapsed),
      onApplied: (head, changes, outcomes) => {
        this.#version = head.version;
        onApplied(head, changes, outcomes);
      },
    });
  }

  get size(): number {
    return this.#holders.size;
  }

  has(connection: string): boolean {
    return this.#holders.has(connection);
  }

  /** Nothing waits to be written. */
  get isIdle(): boolean {
    return this.#writes.isIdle;
  }

  /**
   * A connection holds its session a member, or changes its state. Resolves with the room's version after that, undefined
   * where nothing had to be written. Throws UNAVAILABLE and FORBIDDEN.
   */
  async add(of: HolderOf, stateJson: string): Promise<MemberVersion | undefined> {
    const { lease } = this.#options;
    const before = this.#holders.get(of.connection);
    const holder: Holder = before ?? {
      ...of,
      userJson: JSON.stringify(of.user),
      stateJson,
      joinedAtMs: undefined,
      cancelGrace: undefined,
    };
    before?.cancelGrace?.();
    const isStored = before?.joinedAtMs !== undefined;
    if (isStored && (stateJson === "" || stateJson === before.stateJson)) return undefined;
    this.#holders.set(of.connection, holder);
    try {
      const { did, joinedAtMs } = await this.#writes.push({ ...changeOf("add", holder, lease.name), stateJson });
      if (did === "refused") throw new RequestError("FORBIDDEN", "this session is another user's");
      if (joinedAtMs !== undefined) holder.joinedAtMs = joinedAtMs;
      // Only now: the same state that could not be stored is asked for again.
      if (stateJson !== "") holder.stateJson = stateJson;
      return this.#version;
    } catch (error) {
      if (holder.joinedAtMs === undefined && this.#holders.get(of.connection) === holder) this.#forget(holder);
      throw error;
    }
  }

  /** A connection is gone. What it held is kept for a grace in which its client may come back through another. */
  close(connection: string, graceMs: number): void {
    const holder = this.#holders.get(connection);
    if (holder === undefined) return;
    if (graceMs <= 0) void this.end(connection, "end");
    else holder.cancelGrace = whenElapsed(momentNow(), graceMs, () => void this.end(connection, "end"));
  }

  /** Ends what one connection holds, or with "leave" also what older connections of its session hold. */
  async end(connection: string, kind: "end" | "leave", name = this.#options.lease.name): Promise<void> {
    const holder = this.#holders.get(connection);
    if (holder === undefined) return;
    this.#forget(holder);
    // Endings are kept until Redis has them; only the end of the instance gives them up, and then its lease ends.
    await this.#writes.push(changeOf(kind, holder, name)).catch(() => undefined);
  }

  /** A leave through another instance has ended what a connection here held. */
  forget(tag: string): void {
    for (const holder of this.#holders.values()) if (holder.tag === tag) this.#forget(holder);
  }

  /**
   * Registers again who is still there, and ends the others.
   *
   * @param earlier - the name under which they were registered last
   */
  async restore(earlier: string, isThere: (holder: HolderOf) => boolean = () => true): Promise<void> {
    const restored = [...this.#holders.values()].map((holder) => {
      if (isThere(holder)) return this.#restore(holder, earlier);
      // It may have been added under the new name already, by a request that had waited.
      return this.end(holder.connection, "end", earlier);
    });
    await Promise.all(restored);
  }

  /** Resolves when nothing waits to be written. */
  async settled(): Promise<void> {
    while (!this.isIdle) await new Promise((resolve) => setTimeout(resolve, settlePollMs));
  }

  /** Redis is there again. */
  wake(): void {
    this.#writes.wake();
  }

  /** The instance is going away. */
  stop(): void {
    this.#writes.close();
    for (const { cancelGrace } of this.#holders.values()) cancelGrace?.();
  }

  #forget(holder: Holder): void {
    holder.cancelGrace?.();
    this.#holders.delete(holder.connection);
    this.#options.onFewer();
  }

  async #restore(holder: Holder, earlier: string): Promise<void> {
    const change = changeOf("restore", holder, this.#options.lease.name);
    try {
      const { joinedAtMs } = await this.#writes.push({ ...change, otherHolder: `${earlier}.${holder.tag}` });
      holder.joinedAtMs ??= joinedAtMs;
    } catch {
      // The instance is going away.
    }
  }
}
