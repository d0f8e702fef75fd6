import type { Logger } from "pino";
import { type Moment, momentNow } from "../clock/elapsed.ts";
import { whenElapsed } from "../clock/when-elapsed.ts";
import { RequestError } from "../errors.ts";
import type { CheckRider } from "../log/check-script.ts";
import type { MembersNotice } from "./fold.ts";
import type { PresenceFrame } from "./frame.ts";
import type { Lease } from "./lease.ts";
import { isGone } from "./lease-view.ts";
import type { MemberVersion } from "./member-version.ts";
import type { Checked, ListedMembers, Outcome, PresenceStore, RoomHead, WrittenChange } from "./presence-store.ts";
import { RoomWatch } from "./room-watch.ts";
import { RoomWrites } from "./room-writes.ts";

/** Why a member has left. */
type LeaveReason = "left" | "disconnected" | "lost";

/** Is told of joins and leaves that this instance has carried out. */
export interface PresenceListener {
  joined(room: string, user: string | null, session: string): void;
  left(room: string, user: string | null, session: string, reason: LeaveReason, count: number): void;
}

export interface RoomPresenceOptions {
  readonly room: string;
  readonly store: Pick<PresenceStore, "apply" | "whole" | "reap" | "check" | "checkRider">;
  readonly lease: Pick<Lease, "held" | "giveUp" | "look" | "name" | "view">;
  /** Subscribes to the channel of changes, and resolves when that is confirmed. Throws UNAVAILABLE. */
  readonly subscribe: (receive: (frame: PresenceFrame) => void) => Promise<void>;
  readonly unsubscribe: () => void;
  /** Subscribes anew to a channel of which messages were lost. */
  readonly resubscribe: () => Promise<void>;
  readonly tell: (connections: readonly string[], notice: MembersNotice) => void;
  readonly listener: PresenceListener;
  readonly calmMs: number;
  readonly logger: Logger;
}

/** Who a connection is a member as. */
export interface HolderOf {
  readonly connection: string;
  /** Short, and of this connection alone as long as this instance has its name. */
  readonly tag: string;
  readonly session: string;
  readonly user: string | null;
  /** When its client was heard last. */
  readonly heardAt: () => Moment;
}

interface Holder extends HolderOf {
  readonly userJson: string;
  stateJson: string;
  joinedAtMs: number | undefined;
  /** Ends the wait for the session to come back. */
  cancelGrace: (() => void) | undefined;
}

/** Two reapers find the same death: the second one then finds nothing to do. */
const reapSpreadMs = 500;
/** How long the frame of a change may take longer than its answer. */
const frameGraceMs = 500;
const settlePollMs = 20;
/** How long the news of a leave through another instance may be on its way. */
const newsMs = 1_000;

/** The members of one room, as far as this instance holds or shows them. */
export class RoomPresence {
  readonly #options: RoomPresenceOptions;
  readonly #holders = new Map<string, Holder>();
  readonly #writes: RoomWrites;
  #watch: RoomWatch;
  /** Instances that have members here, as far as this one has seen. */
  readonly #instances = new Set<string>();
  readonly #reaping = new Map<string, Promise<void>>();
  #epoch: string | undefined;
  #watching: Promise<void> | undefined;
  #missed = 0;
  #differsSinceMs: number | undefined;
  #checkedAtMs = performance.now();
  #restoringUntilMs = 0;
  #applyVersion: MemberVersion | undefined;

  constructor(options: RoomPresenceOptions) {
    this.#options = options;
    const { room, store, lease } = options;
    this.#writes = new RoomWrites({
      held: () => lease.held(),
      apply: ({ name, untilMs }, changes) => store.apply(room, name, untilMs, changes),
      giveUp: (name, hasLapsed) => lease.giveUp(name, hasLapsed),
      onApplied: (head, changes, outcomes) => this.#applied(head, changes, outcomes),
    });
    this.#watch = this.#newWatch();
  }

  get watch(): RoomWatch {
    return this.#watch;
  }

  get holders(): number {
    return this.#holders.size;
  }

  /** Nothing of the room concerns this instance any more. */
  get isOver(): boolean {
    return this.#holders.size === 0 && this.watch.watchers.size === 0 && this.#writes.isIdle;
  }

  /** Instances of which something in this room has been seen. */
  get instances(): ReadonlySet<string> {
    return this.#instances;
  }

  /** Shows the room to a connection from now on. Throws UNAVAILABLE. */
  async watchBy(connection: string): Promise<void> {
    this.watch.watchers.add(connection);
    this.#watching ??= this.#open();
    try {
      await this.#watching;
    } catch (error) {
      this.#watching = undefined;
      throw error;
    }
  }

  unwatchBy(connection: string): void {
    if (!this.watch.watchers.delete(connection) || this.watch.watchers.size > 0) return;
    this.#options.unsubscribe();
    this.#watch.close();
    this.#watch = this.#newWatch();
    this.#watching = undefined;
  }

  /** A connection is a member, or changes its state. Throws UNAVAILABLE and FORBIDDEN. */
  async add(of: HolderOf, stateJson: string): Promise<MemberVersion | undefined> {
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
      const { did, joinedAtMs } = await this.#writes.push({
        ...this.#changeOf("add", holder),
        stateJson,
      });
      if (did === "refused") throw new RequestError("FORBIDDEN", "this session is another user's");
      if (joinedAtMs !== undefined) holder.joinedAtMs = joinedAtMs;
      // Only now: the same state that could not be stored is asked for again.
      if (stateJson !== "") holder.stateJson = stateJson;
      return this.#applyVersion;
    } catch (error) {
      if (holder.joinedAtMs === undefined && this.#holders.get(of.connection) === holder) {
        this.#holders.delete(of.connection);
      }
      throw error;
    }
  }

  has(connection: string): boolean {
    return this.#holders.has(connection);
  }

  /** The client has left: with this connection, and with all older ones of its session. */
  leave(connection: string): Promise<unknown> {
    return this.#end(connection, "leave");
  }

  /** A connection is gone. What it held is kept for a grace in which its client may come back through another. */
  close(connection: string, graceMs: number): void {
    const holder = this.#holders.get(connection);
    if (holder === undefined) return;
    if (graceMs <= 0) void this.#end(connection, "end");
    else holder.cancelGrace = whenElapsed(momentNow(), graceMs, () => void this.#end(connection, "end"));
  }

  /**
   * The instance has another name: who is really there is registered under it, and then those of the old name are
   * removed.
   *
   * @param isThere - whether the client of a connection is still there, or may be back in a moment
   */
  async moveTo(earlier: string, isThere: (holder: HolderOf) => boolean): Promise<void> {
    const restored = [...this.#holders.values()].map((holder) => {
      if (isThere(holder)) return this.#restore(holder, earlier);
      // Its end under the old name comes with the reaping.
      this.#forget(holder);
      return undefined;
    });
    this.#instances.add(earlier);
    void this.reap(earlier, 0);
    await Promise.all(restored);
  }

  /** How long ago this was compared with Redis. */
  get sinceCheckMs(): number {
    return performance.now() - this.#checkedAtMs;
  }

  /** Compares with what Redis holds. Throws UNAVAILABLE. */
  async check(): Promise<void> {
    const { store, lease, room } = this.#options;
    const { name } = await lease.held();
    const compare = this.#beginCheck(name);
    await compare(await store.check(room, name));
  }

  /** The same question, for the call that checks the room's log; undefined as long as this instance has no name. */
  checkRider(): CheckRider | undefined {
    const { store, lease, room } = this.#options;
    if (lease.name === "") return undefined;
    const compare = this.#beginCheck(lease.name);
    return store.checkRider(room, lease.name, (checked) => void compare(checked));
  }

  #beginCheck(name: string): (checked: Checked) => Promise<void> {
    const { lease, room, logger } = this.#options;
    const isQuiet = this.#writes.isIdle;
    return ({ head, holders }) => {
      this.#checkedAtMs = performance.now();
      this.#seen(head.version, holders.keys());
      for (const instance of this.#instances) if (!holders.has(instance)) this.#instances.delete(instance);
      const own = holders.get(name) ?? 0;
      const isComparable = isQuiet && this.#writes.isIdle && name === lease.name;
      const nowMs = performance.now();
      if (!isComparable || own === this.#holders.size) this.#differsSinceMs = undefined;
      else this.#differsSinceMs ??= nowMs;
      // At first it may be a leave through another instance of which the news is still on its way.
      if (this.#differsSinceMs !== undefined && nowMs - this.#differsSinceMs > newsMs) {
        this.#differsSinceMs = undefined;
        logger.warn({ room, own, expected: this.#holders.size }, "Redis holds other members than this instance has");
        lease.giveUp(name, false);
      }
      return this.#compareWatch(head);
    };
  }

  /** Removes an instance's members, once at a time. Two instances may do so at once. */
  reap(instance: string, spreadMs = reapSpreadMs): Promise<void> {
    const under =
      this.#reaping.get(instance) ?? this.#reap(instance, spreadMs).finally(() => this.#reaping.delete(instance));
    this.#reaping.set(instance, under);
    return under;
  }

  /** Resolves when nothing waits to be written. */
  async settled(): Promise<void> {
    while (!this.#writes.isIdle) await new Promise((resolve) => setTimeout(resolve, settlePollMs));
  }

  /** Redis is there again. */
  wake(): void {
    this.#writes.wake();
    this.watch.reread();
  }

  end(): void {
    this.#writes.close();
    this.watch.close();
    for (const { cancelGrace } of this.#holders.values()) cancelGrace?.();
  }

  #newWatch(): RoomWatch {
    const { tell, calmMs } = this.#options;
    return new RoomWatch({
      read: () => this.#readWhole(),
      onHead: (version, instances) => this.#seen(version, instances),
      tell,
      calmMs,
    });
  }

  async #open(): Promise<void> {
    await this.#options.subscribe((frame) => this.#receive(frame));
    await this.watch.open();
  }

  #receive(frame: PresenceFrame): void {
    // A client has left with a newer connection, on another instance. This one may not have noticed that it is gone.
    for (const ended of frame.ended) {
      const [instance, tag] = ended.split(".");
      if (instance !== this.#options.lease.name) continue;
      for (const holder of this.#holders.values()) if (holder.tag === tag) this.#forget(holder);
    }
    this.watch.receive(frame);
  }

  #forget(holder: Holder): void {
    holder.cancelGrace?.();
    this.#holders.delete(holder.connection);
  }

  #changeOf(kind: WrittenChange["kind"], { tag, session, userJson, stateJson, joinedAtMs }: Holder): WrittenChange {
    const holder = `${this.#options.lease.name}.${tag}`;
    return { kind, session, holder, userJson, stateJson, earlierHolder: "", joinedAtMs };
  }

  async #restore(holder: Holder, earlier: string): Promise<void> {
    const change = this.#changeOf("restore", holder);
    try {
      const { joinedAtMs } = await this.#writes.push({ ...change, earlierHolder: `${earlier}.${holder.tag}` });
      holder.joinedAtMs ??= joinedAtMs;
    } catch {
      // The instance is going away.
    }
  }

  #end(connection: string, kind: "end" | "leave"): Promise<unknown> {
    const holder = this.#holders.get(connection);
    if (holder === undefined) return Promise.resolve();
    this.#forget(holder);
    // Endings are kept until Redis has them; only the end of the instance gives them up, and then its lease ends.
    return this.#writes.push(this.#changeOf(kind, holder)).catch(() => undefined);
  }

  #applied(head: RoomHead, changes: readonly WrittenChange[], outcomes: readonly Outcome[]): void {
    const { room, listener } = this.#options;
    this.#seen(head.version, []);
    const isRestoring = performance.now() < this.#restoringUntilMs;
    this.#applyVersion = head.version;
    outcomes.forEach(({ did }, index) => {
      const change = changes[index];
      if (change === undefined) return;
      const user: unknown = JSON.parse(change.userJson);
      const name = typeof user === "string" ? user : null;
      // What is restored after a loss never left.
      if (did === "joined" && !(change.kind === "restore" && isRestoring)) listener.joined(room, name, change.session);
      if (did === "left") {
        listener.left(room, name, change.session, change.kind === "leave" ? "left" : "disconnected", head.count);
      }
    });
  }

  /** Something shows at which version the room is, and which instances have members in it. */
  #seen({ epoch }: MemberVersion, instances: Iterable<string>): void {
    const { lease } = this.#options;
    let hasUnknown = false;
    for (const instance of instances) {
      if (instance === "" || this.#instances.has(instance)) continue;
      this.#instances.add(instance);
      hasUnknown ||= lease.view?.ends.has(instance) !== true;
    }
    // One that no lease names may be new, or gone for long: its lease tells.
    if (hasUnknown) void lease.look();
    if (epoch === this.#epoch) return;
    const before = this.#epoch;
    this.#epoch = epoch;
    if (before === undefined || before === "0") return;
    // The data were lost, or are older ones: what this instance has is added at once.
    this.#restoringUntilMs = performance.now() + this.#options.calmMs;
    for (const holder of this.#holders.values()) void this.#restore(holder, lease.name);
    if (this.watch.watchers.size > 0) this.watch.beginCalm();
  }

  async #readWhole(): Promise<ListedMembers> {
    const { store, lease, room } = this.#options;
    const { name } = await lease.held();
    const listed = await store.whole(room, name);
    const gone = this.#goneAmong(listed);
    if (gone.length === 0) return listed;
    // Nobody who watched was there to remove them.
    for (const instance of gone) this.#instances.add(instance);
    await Promise.all(gone.map((instance) => this.reap(instance, 0)));
    return store.whole(room, name);
  }

  #goneAmong({ members }: ListedMembers): string[] {
    const { view } = this.#options.lease;
    if (view === undefined) return [];
    const listed = new Set(members.flatMap(({ instances }) => instances));
    // One that is not listed may be newer than the view.
    return [...listed].filter((instance) => view.ends.has(instance) && isGone(view, instance));
  }

  async #reap(instance: string, spreadMs: number): Promise<void> {
    const { store, lease, room, listener, logger } = this.#options;
    if (spreadMs > 0) await new Promise((resolve) => setTimeout(resolve, Math.random() * spreadMs).unref());
    try {
      // Who was added under the new name must be there first.
      await this.settled();
      const { head, left } = await store.reap(room, (await lease.held()).name, instance);
      this.#instances.delete(instance);
      for (const { session, user } of left) listener.left(room, user, session, "lost", head.count);
      this.#seen(head.version, []);
    } catch (err) {
      logger.debug({ room, instance, err }, "the members of an instance that is gone could not be removed");
    }
  }

  async #compareWatch(head: RoomHead): Promise<void> {
    const { watch } = this;
    if (watch.watchers.size === 0) return;
    await new Promise((resolve) => setTimeout(resolve, frameGraceMs).unref());
    const version = watch.copy?.version;
    if (version === undefined || (version.epoch === head.version.epoch && version.n >= head.version.n)) {
      this.#missed = 0;
      return;
    }
    watch.compare(head);
    this.#missed += 1;
    // One lost frame is the network's fault; one after the other, the subscription is gone.
    if (this.#missed > 1 && head.mode === "members") await this.#options.resubscribe().catch(() => undefined);
  }
}
