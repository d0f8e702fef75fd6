import type { Logger } from "pino";
import { elapsedMs } from "../clock/elapsed.ts";
import { RequestError } from "../errors.ts";
import type { CheckRider } from "../log/check-script.ts";
import type { MembersNotice } from "./fold.ts";
import type { PresenceFrame } from "./frame.ts";
import { type Ending, graceMs } from "./grace.ts";
import { type JoinedMembers, joinedMembers } from "./joined-members.ts";
import { Lease } from "./lease.ts";
import type { LeaseStore } from "./lease-store.ts";
import type { PresenceListener } from "./listener.ts";
import { type MemberConnection, MemberConnections, type MemberOf } from "./member-connections.ts";
import type { MemberVersion } from "./member-version.ts";
import { type MembersPage, readPage } from "./members-page.ts";
import type { PresenceStore } from "./presence-store.ts";
import { Reaper } from "./reaper.ts";
import { Registration } from "./registration.ts";
import { RoomPresence } from "./room-presence.ts";
import { RoomRounds } from "./room-rounds.ts";

export interface PresenceOptions {
  readonly store: PresenceStore;
  readonly leases: Pick<LeaseStore, "renew" | "bury">;
  readonly graceSeconds: number;
  readonly leaseSeconds: number;
  readonly channel: {
    /** Resolves when Redis has confirmed. Throws UNAVAILABLE. */
    subscribe(room: string, receive: (frame: PresenceFrame) => void): Promise<void>;
    unsubscribe(room: string): void;
    resubscribe(room: string): Promise<void>;
  };
  readonly tell: (room: string, connections: readonly string[], notice: MembersNotice) => void;
  /** Asks every connection for a sign of life. */
  readonly pingAll: () => void;
  /** Cuts a connection whose client has not given one: a client that lives comes back and joins again. */
  readonly cut: (connection: string) => void;
  readonly listener: PresenceListener;
  readonly logger: Logger;
}

/** How much longer than a renewal the instances may take to restore their members after a loss of data. */
const restoreMs = 3_000;
/** How long a join waits to see itself in the list. */
const ownJoinMs = 500;
/** How long what waits for Redis may take at the end. */
const lastWritesMs = 500;

/** Who is in which room, as far as this instance has to do with it. */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #connections = new MemberConnections();
  readonly #rooms = new Map<string, RoomPresence>();
  readonly #lease: Lease;
  readonly #registration: Registration;
  readonly #reaper: Reaper;
  readonly #rounds: RoomRounds;
  #isEnding = false;

  constructor(options: PresenceOptions) {
    this.#options = options;
    const { leases, leaseSeconds, logger } = options;
    const rooms = () => this.#rooms.values();
    this.#lease = new Lease({
      store: leases,
      leaseMs: leaseSeconds * 1000,
      logger,
      onRenamed: (earlier, hasLapsed) => this.#registration.begin(earlier, hasLapsed),
      onSeen: (view) => this.#reaper.see(view),
    });
    this.#registration = new Registration({ ...options, connections: this.#connections, rooms });
    this.#reaper = new Reaper({ lease: this.#lease, rooms, logger });
    this.#rounds = new RoomRounds({ rooms: this.#rooms, onRound: () => this.#forgetOver(), logger });
  }

  get size(): { readonly members: number; readonly watchedRooms: number } {
    const rooms = [...this.#rooms.values()];
    const members = rooms.reduce((sum, { holders }) => sum + holders.size, 0);
    return { members, watchedRooms: rooms.filter(({ isWatched }) => isWatched).length };
  }

  /** A connection is open. */
  opened(connection: MemberConnection): void {
    this.#connections.open(connection);
  }

  /** A connection is gone. */
  closed(id: string, ending: Ending): void {
    if (this.#isEnding) return;
    const closed = this.#connections.close(id);
    if (closed === undefined) return;
    const unheardMs = elapsedMs(closed.heardAt());
    const graceOfIt = ending === "closed" ? 0 : graceMs(unheardMs, this.#options.graceSeconds * 1000);
    for (const name of closed.rooms) {
      const room = this.#rooms.get(name);
      room?.unwatchBy(id);
      room?.holders.close(id, graceOfIt);
    }
  }

  /**
   * Shows the members of a room to a connection from now on, and makes it one of them where it gives a state, which is ""
   * for none. Throws UNAVAILABLE, also where the connection leaves the room meanwhile, and FORBIDDEN where the session is
   * another user's.
   *
   * @param known - the version that the client knows from before
   */
  async join(
    of: MemberOf,
    room: string,
    stateJson: string | undefined,
    known: MemberVersion | undefined,
  ): Promise<JoinedMembers> {
    // Before the wait, so that the connection can leave during it.
    this.#enter(of, room);
    await this.#registration.done();
    if (!this.#connections.isIn(of.connection, room)) {
      throw new RequestError("UNAVAILABLE", "the room was left while it was being joined");
    }
    const holder = this.#enter(of, room);
    const presence = this.#room(room);
    const added = stateJson === undefined ? undefined : presence.add(holder, stateJson);
    const [version] = await Promise.all([added, presence.watchBy(of.connection)]);
    if (!this.#connections.isOpen(of.connection)) {
      presence.unwatchBy(of.connection);
      throw new RequestError("UNAVAILABLE", "the connection is closed");
    }
    if (version !== undefined) await presence.watch.reaches(version, ownJoinMs);
    const view = presence.watch.viewFor(known);
    if (view?.missed !== undefined && view.missed.version.n > (known?.n ?? 0)) {
      this.#options.tell(room, [of.connection], view.missed);
    }
    return joinedMembers(view);
  }

  /** A connection is in the room no more, without having left: its join failed, or its right is gone. Others of its session stay. */
  remove(connection: string, room: string, ending: Ending = "closed"): void {
    this.#connections.leave(connection, room);
    const presence = this.#rooms.get(room);
    presence?.unwatchBy(connection);
    presence?.holders.close(connection, ending === "closed" ? 0 : this.#options.graceSeconds * 1000);
  }

  /** The client left the room: with this connection, and with all older ones of its session. */
  leave(connection: string, room: string): void {
    this.#connections.leave(connection, room);
    const presence = this.#rooms.get(room);
    presence?.unwatchBy(connection);
    void presence?.holders.end(connection, "leave");
  }

  /** Changes a member's state, at most so often; of several at once the last one counts. Throws UNAVAILABLE. */
  async update(of: MemberOf, room: string, stateJson: string): Promise<void> {
    this.#enter(of, room);
    await this.#connections.update(of.connection, room, stateJson, (newest) =>
      this.#room(room).add(this.#enter(of, room), newest),
    );
  }

  isMember(connection: string, room: string): boolean {
    return this.#rooms.get(room)?.holders.has(connection) === true;
  }

  /** The connection may not be a member any more, and goes on watching. Others of its session stay. */
  endMembership(connection: string, room: string): void {
    this.#connections.withdraw(connection, room, new RequestError("FORBIDDEN", "the right to write has ended"));
    void this.#rooms.get(room)?.holders.end(connection, "end");
  }

  /** The client is no member any more, and goes on watching. */
  async withdraw(connection: string, room: string): Promise<void> {
    this.#connections.withdraw(connection, room);
    await this.#rooms.get(room)?.holders.end(connection, "leave");
  }

  /** A page of the members of any room. Throws UNAVAILABLE. */
  async list(room: string, cursor?: string, limit?: number): Promise<MembersPage> {
    const { page, gone } = await readPage(this.#options.store, this.#lease, room, { cursor, limit });
    // A reader of a room that nobody here watches removes whom it finds to be gone.
    if (gone.length > 0) void this.#reapIn(room, gone);
    return page;
  }

  /** Redis was away, or its subscriptions were: what was missed is found now. */
  restored(): void {
    void this.#lease.look();
    for (const room of this.#rooms.values()) {
      room.wake();
      // Of those that are watched the logs are checked now, too.
      if (!room.isWatched) void room.check().catch(() => undefined);
    }
  }

  /** What is asked about a room's members in the call that checks its log; undefined where they do not concern this instance. */
  readonly checkRiderOf = (room: string): CheckRider | undefined => this.#rooms.get(room)?.checkRider();

  /** Ends with the process: nobody leaves by this, and who comes back through another instance never left. */
  async end(): Promise<void> {
    this.#isEnding = true;
    this.#rounds.stop();
    this.#reaper.stop();
    this.#connections.stop();
    const rooms = [...this.#rooms.values()];
    const late = new Promise((resolve) => setTimeout(resolve, lastWritesMs).unref());
    await Promise.race([Promise.all(rooms.map(({ holders }) => holders.settled())), late]);
    const hasMembers = [...this.#rooms.values()].some(({ holders }) => holders.size > 0);
    await this.#lease.end(hasMembers, this.#options.graceSeconds * 1000);
    for (const room of this.#rooms.values()) room.end();
  }

  #enter(of: MemberOf, room: string) {
    if (this.#isEnding) throw new RequestError("UNAVAILABLE", "this instance is going away");
    return this.#connections.enter(of, room);
  }

  #room(name: string): RoomPresence {
    const existing = this.#rooms.get(name);
    if (existing !== undefined) return existing;
    const { store, channel, tell, listener, leaseSeconds, logger } = this.#options;
    const room = new RoomPresence({
      room: name,
      store,
      lease: this.#lease,
      subscribe: (receive) => channel.subscribe(name, receive),
      unsubscribe: () => channel.unsubscribe(name),
      resubscribe: () => channel.resubscribe(name),
      tell: (connections, notice) => tell(name, connections, notice),
      listener,
      calmMs: (leaseSeconds * 1000) / 3 + restoreMs,
      logger,
    });
    this.#rooms.set(name, room);
    return room;
  }

  async #reapIn(room: string, instances: readonly string[]): Promise<void> {
    try {
      const gone = await this.#lease.bury(instances);
      await Promise.all(gone.map((instance) => this.#room(room).reap(instance)));
    } catch (err) {
      this.#options.logger.debug({ room, err }, "instances that are gone cannot be looked up now");
    }
    this.#forgetOver();
  }

  #forgetOver(): void {
    for (const [name, room] of this.#rooms) {
      if (!room.isOver) continue;
      room.end();
      this.#rooms.delete(name);
    }
  }
}
