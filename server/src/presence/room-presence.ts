import type { Logger } from "pino";
import type { CheckRider } from "../log/check-script.ts";
import type { MembersNotice } from "./fold.ts";
import type { PresenceFrame } from "./frame.ts";
import type { HolderOf } from "./holder.ts";
import type { Lease } from "./lease.ts";
import type { PresenceListener } from "./listener.ts";
import type { MemberVersion } from "./member-version.ts";
import type { Checked, ListedMembers, Outcome, PresenceStore, RoomHead, WrittenChange } from "./presence-store.ts";
import { RoomCheck } from "./room-check.ts";
import { RoomHolders } from "./room-holders.ts";
import { RoomReaping } from "./room-reaping.ts";
import { RoomWatch } from "./room-watch.ts";

export interface RoomPresenceOptions {
  readonly room: string;
  readonly store: PresenceStore;
  readonly lease: Lease;
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

/** The members of one room, as far as this instance holds, shows or removes them. */
export class RoomPresence {
  readonly #options: RoomPresenceOptions;
  readonly #holders: RoomHolders;
  readonly #check: RoomCheck;
  #watch: RoomWatch;
  #subscribed: Promise<void> | undefined;
  /** Instances that have members here, as far as this one has seen. */
  readonly #instances = new Set<string>();
  readonly #reaping: RoomReaping;
  #epoch: string | undefined;
  #restoringUntilMs = 0;

  constructor(options: RoomPresenceOptions) {
    this.#options = options;
    this.#holders = new RoomHolders({
      ...options,
      onApplied: (head, changes, outcomes) => this.#applied(head, changes, outcomes),
      onFewer: () => this.#unsubscribeUnused(),
    });
    this.#check = new RoomCheck({
      ...options,
      holders: this.#holders,
      watch: () => this.#watch,
      onChecked: (checked) => this.#checked(checked),
    });
    this.#reaping = new RoomReaping({
      ...options,
      holders: this.#holders,
      onReaped: (instance, { version }) => {
        this.#instances.delete(instance);
        this.#seen(version, []);
      },
    });
    this.#watch = this.#newWatch();
  }

  get watch(): RoomWatch {
    return this.#watch;
  }

  /** Sessions that connections of this instance hold members. */
  get holders(): Pick<RoomHolders, "size" | "has" | "close" | "end" | "settled"> {
    return this.#holders;
  }

  get isWatched(): boolean {
    return this.#watch.watchers.size > 0;
  }

  /** Nothing of the room concerns this instance any more. */
  get isOver(): boolean {
    return this.#holders.size === 0 && !this.isWatched && this.#holders.isIdle && this.#reaping.isIdle;
  }

  /** Instances of which something in this room has been seen. */
  get instances(): ReadonlySet<string> {
    return this.#instances;
  }

  /** How long ago this was compared with Redis. */
  get sinceCheckMs(): number {
    return this.#check.agoMs;
  }

  /** Shows the room to a connection from now on. Throws UNAVAILABLE. */
  async watchBy(connection: string): Promise<void> {
    const watch = this.#watch;
    watch.watchers.add(connection);
    await this.#subscribe();
    await watch.open();
  }

  unwatchBy(connection: string): void {
    if (!this.#watch.watchers.delete(connection) || this.isWatched) return;
    this.#watch.close();
    this.#watch = this.#newWatch();
    this.#unsubscribeUnused();
  }

  /** A connection holds its session a member, see RoomHolders. Throws UNAVAILABLE and FORBIDDEN. */
  async add(of: HolderOf, stateJson: string): Promise<MemberVersion | undefined> {
    // Also where it does not watch: leaves through other instances may end what it holds, which is told there.
    const [version] = await Promise.all([this.#holders.add(of, stateJson), this.#subscribe()]);
    return version;
  }

  /**
   * The instance has another name: who is really there is registered under it, and then those of the old name are
   * removed.
   *
   * @param isThere - whether the client of a connection is still there, or may be back in a moment
   */
  async moveTo(earlier: string, isThere: (holder: HolderOf) => boolean): Promise<void> {
    const restored = this.#holders.restore(earlier, isThere);
    this.#instances.add(earlier);
    void this.#reaping.reap(earlier, "now");
    await restored;
  }

  /** Compares with what Redis holds. Throws UNAVAILABLE. */
  check(): Promise<void> {
    return this.#check.run();
  }

  /** The same question, for the call that checks the room's log; undefined as long as this instance has no name. */
  checkRider(): CheckRider | undefined {
    return this.#check.rider();
  }

  /** Removes the members of an instance that is gone, in a moment. */
  reap(instance: string): Promise<void> {
    return this.#reaping.reap(instance, "in a moment");
  }

  /** Redis is there again. */
  wake(): void {
    this.#holders.wake();
    this.#watch.reread();
  }

  end(): void {
    this.#holders.stop();
    this.#watch.close();
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

  #subscribe(): Promise<void> {
    const subscribed = this.#subscribed ?? this.#options.subscribe((frame) => this.#receive(frame));
    this.#subscribed = subscribed;
    subscribed.catch(() => {
      if (this.#subscribed === subscribed) this.#subscribed = undefined;
    });
    return subscribed;
  }

  #unsubscribeUnused(): void {
    if (this.isWatched || this.#holders.size > 0 || this.#subscribed === undefined) return;
    this.#subscribed = undefined;
    this.#options.unsubscribe();
  }

  #receive(frame: PresenceFrame): void {
    // A client has left with a newer connection, on another instance. This one may not have noticed that it is gone.
    for (const ended of frame.ended) {
      const [instance, tag = ""] = ended.split(".");
      if (instance === this.#options.lease.name) this.#holders.forget(tag);
    }
    if (this.isWatched) this.#watch.receive(frame);
    else this.#seen(frame, [frame.by]);
  }

  #applied(head: RoomHead, changes: readonly WrittenChange[], outcomes: readonly Outcome[]): void {
    const { room, listener } = this.#options;
    this.#seen(head.version, []);
    const isRestoring = performance.now() < this.#restoringUntilMs;
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

  #checked({ head, holders }: Checked): void {
    this.#seen(head.version, holders.keys());
    for (const instance of this.#instances) if (!holders.has(instance)) this.#instances.delete(instance);
  }

  /** Something shows at which version the room is, and which instances have members in it. */
  #seen({ epoch }: Pick<MemberVersion, "epoch">, instances: Iterable<string>): void {
    const { lease, calmMs } = this.#options;
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
    this.#restoringUntilMs = performance.now() + calmMs;
    void this.#holders.restore(lease.name);
    if (this.isWatched) this.#watch.beginCalm();
  }

  async #readWhole(): Promise<ListedMembers> {
    const { store, lease, room } = this.#options;
    const { name } = await lease.held();
    const listed = await store.whole(room, name);
    const gone = await lease.bury(listed.instances);
    if (gone.length === 0) return listed;
    // Nobody who watched was there to remove them.
    await Promise.all(gone.map((instance) => this.#reaping.reap(instance, "now")));
    return store.whole(room, name);
  }
}
