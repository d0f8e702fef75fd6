import type { Member } from "@holdfast/client/protocol";
import type { Logger } from "pino";
import { elapsedMs, type Moment, momentNow } from "../clock/elapsed.ts";
import { RequestError } from "../errors.ts";
import type { CheckRider } from "../log/check-script.ts";
import type { MembersNotice } from "./fold.ts";
import type { PresenceFrame } from "./frame.ts";
import { type Ending, graceMs, isStillShown } from "./grace.ts";
import { Lease } from "./lease.ts";
import type { LeaseStore } from "./lease-store.ts";
import { isGone, type LeaseView, nextDeathMs } from "./lease-view.ts";
import type { PresenceMode } from "./member.ts";
import type { MemberVersion } from "./member-version.ts";
import type { PresenceStore } from "./presence-store.ts";
import { type HolderOf, type PresenceListener, RoomPresence } from "./room-presence.ts";
import { UpdatePace } from "./update-pace.ts";

/** A connection, as far as members concern it. */
export interface MemberConnection {
  readonly id: string;
  /** When a packet came from it last. */
  readonly heardAt: () => Moment;
}

export interface PresenceOptions {
  readonly store: PresenceStore;
  readonly leases: Pick<LeaseStore, "renew">;
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

/** Who joins, updates or leaves. */
export interface MemberOf {
  readonly connection: string;
  readonly session: string;
  readonly user: string | null;
}

/** What a client that joins is told of the members. */
export interface JoinedMembers {
  /** Undefined where its own list stays as it is. */
  readonly members: readonly Member[] | undefined;
  readonly count: number;
  readonly mode: PresenceMode;
  readonly version: MemberVersion;
}

/** A page of members. */
export interface MembersPage {
  readonly members: readonly Member[];
  readonly count: number;
  readonly mode: PresenceMode;
  readonly version: MemberVersion;
  readonly cursor: string | undefined;
}

/** How often each room is compared with Redis; that also keeps its members from expiring. */
export const membersCheckMs = 15_000;
/** A room that is watched is compared when its log is checked. Where that was so long ago, it is compared by itself. */
const overdueCheckMs = 1.5 * membersCheckMs;
/** How long a connection may take to show that it lives, after its instance slept. */
const signOfLifeMs = 2_000;
/** How much longer than a renewal the instances may take to restore their members after a loss of data. */
const restoreMs = 3_000;
/** How long a join waits to see itself in the list. */
const ownJoinMs = 500;
const pageOfMembers = 200;
/** Steps of a round of checks. */
const checkSteps = 30;
/** How long what waits for Redis may take at the end. */
const lastWritesMs = 500;

interface Connected extends MemberConnection {
  readonly tag: string;
  readonly rooms: Set<string>;
}

/** Who is in which room, as far as this instance has to do with it. */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #lease: Lease;
  readonly #rooms = new Map<string, RoomPresence>();
  readonly #connections = new Map<string, Connected>();
  readonly #paces = new Map<string, UpdatePace>();
  readonly #checks: NodeJS.Timeout;
  #reaper: NodeJS.Timeout | undefined;
  #renaming: Promise<void> | undefined;
  #tags = 0;
  #due: string[] = [];
  #perStep = 0;
  #roundStartedMs = performance.now();
  #isEnding = false;

  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#lease = new Lease({
      store: options.leases,
      leaseMs: options.leaseSeconds * 1000,
      logger: options.logger,
      onRenamed: (earlier, hasLapsed) => {
        const renaming: Promise<void> = this.#rename(earlier, hasLapsed).finally(() => {
          if (this.#renaming === renaming) this.#renaming = undefined;
        });
        this.#renaming = renaming;
      },
      onSeen: (view) => this.#reapGone(view),
    });
    this.#checks = setInterval(() => this.#checkSome(), membersCheckMs / checkSteps);
    this.#checks.unref();
  }

  /** A connection is open. */
  opened(connection: MemberConnection): void {
    this.#tags += 1;
    this.#connections.set(connection.id, { ...connection, tag: this.#tags.toString(36), rooms: new Set() });
  }

  /** A connection is gone. */
  closed(id: string, ending: Ending): void {
    const connection = this.#connections.get(id);
    if (connection === undefined || this.#isEnding) return;
    this.#connections.delete(id);
    const graceOfIt =
      ending === "closed" ? 0 : graceMs(elapsedMs(connection.heardAt()), this.#options.graceSeconds * 1000);
    for (const name of connection.rooms) {
      this.#paces.delete(`${id} ${name}`);
      const room = this.#rooms.get(name);
      room?.unwatchBy(id);
      room?.close(id, graceOfIt);
    }
  }

  /**
   * Shows the members of a room to a connection from now on, and makes it one of them where it gives a state, which is ""
   * for none. Throws UNAVAILABLE, and FORBIDDEN where the session is another user's.
   *
   * @param known - the version that the client knows from before
   */
  async join(
    of: MemberOf,
    room: string,
    stateJson: string | undefined,
    known: MemberVersion | undefined,
  ): Promise<JoinedMembers> {
    await this.#registered();
    const connection = this.#connected(of.connection);
    connection.rooms.add(room);
    const presence = this.#room(room);
    const added = stateJson === undefined ? undefined : presence.add(holderOf(of, connection), stateJson);
    const [version] = await Promise.all([added, presence.watchBy(of.connection)]);
    if (!this.#connections.has(of.connection)) {
      presence.unwatchBy(of.connection);
      throw new RequestError("UNAVAILABLE", "the connection is closed");
    }
    if (version !== undefined) await presence.watch.reaches(version, ownJoinMs);
    const view = presence.watch.viewFor(known);
    if (view === undefined) throw new RequestError("UNAVAILABLE", "the members cannot be read now");
    const { copy, isWhole, missed } = view;
    if (missed !== undefined && missed.version.n > (known?.n ?? 0)) this.#options.tell(room, [of.connection], missed);
    return {
      members: isWhole ? [...copy.entries.values()].map(({ member }) => member) : undefined,
      count: copy.count,
      mode: copy.mode,
      version: copy.version,
    };
  }

  /** A connection is in the room no more, without having left: its join failed, or its right is gone. Others of its session stay. */
  remove(connection: string, room: string, ending: Ending = "closed"): void {
    this.#connections.get(connection)?.rooms.delete(room);
    this.#rooms.get(room)?.unwatchBy(connection);
    this.#rooms.get(room)?.close(connection, ending === "closed" ? 0 : this.#options.graceSeconds * 1000);
  }

  /** The client left the room: with this connection, and with all older ones of its session. */
  leave(connection: string, room: string): void {
    this.#connections.get(connection)?.rooms.delete(room);
    this.#paces.delete(`${connection} ${room}`);
    const presence = this.#rooms.get(room);
    presence?.unwatchBy(connection);
    void presence?.leave(connection);
  }

  /** Changes a member's state, at most so often; of several at once the last one counts. Throws UNAVAILABLE. */
  async update(of: MemberOf, room: string, stateJson: string): Promise<void> {
    const connection = this.#connected(of.connection);
    const key = `${of.connection} ${room}`;
    let pace = this.#paces.get(key);
    if (pace === undefined) {
      pace = new UpdatePace((newest) => {
        const now = this.#connected(of.connection);
        return this.#room(room).add(holderOf(of, now), newest);
      });
      this.#paces.set(key, pace);
    }
    connection.rooms.add(room);
    await pace.update(stateJson);
  }

  /** The connection is no member any more, and goes on watching. */
  async withdraw(connection: string, room: string): Promise<void> {
    this.#paces.delete(`${connection} ${room}`);
    await this.#rooms.get(room)?.leave(connection);
  }

  /** A page of the members of any room. Throws UNAVAILABLE. */
  async list(room: string, cursor: string | undefined, limit = pageOfMembers): Promise<MembersPage> {
    const { name } = await this.#lease.held();
    const [epoch = "", at = "0"] = cursor?.split(":") ?? [];
    const listed = await this.#options.store.page(room, name, cursor === undefined ? undefined : { epoch, at }, limit);
    const unknown = listed.members.some(({ instances }) => instances.some((one) => !this.#lease.view?.ends.has(one)));
    if (unknown) await this.#lease.look();
    const { view } = this.#lease;
    const isShown = (instances: readonly string[]) =>
      view === undefined || instances.some((instance) => !isGone(view, instance));
    const { head } = listed;
    this.#reapUnwatched(
      room,
      listed.members.flatMap(({ instances }) => instances),
    );
    return {
      members: listed.members.filter(({ instances }) => isShown(instances)).map(({ entry }) => entry.member),
      count: head.count,
      mode: head.mode,
      version: head.version,
      cursor: listed.cursor === "0" ? undefined : `${head.version.epoch}:${listed.cursor}`,
    };
  }

  /** Redis was away, or its subscriptions were: what was missed is found now. */
  restored(): void {
    void this.#lease.look();
    for (const room of this.#rooms.values()) {
      room.wake();
      // Of those that are watched the logs are checked now, too.
      if (room.watch.watchers.size === 0) void room.check().catch(() => undefined);
    }
  }

  /** What is asked about a room's members in the call that checks its log; undefined where they do not concern this instance. */
  readonly checkRiderOf = (room: string): CheckRider | undefined => this.#rooms.get(room)?.checkRider();

  /** Ends with the process: nobody leaves by this, and who comes back through another instance never left. */
  async end(): Promise<void> {
    this.#isEnding = true;
    clearInterval(this.#checks);
    clearTimeout(this.#reaper);
    const rooms = [...this.#rooms.values()];
    const late = new Promise((resolve) => setTimeout(resolve, lastWritesMs).unref());
    await Promise.race([Promise.all(rooms.map((room) => room.settled())), late]);
    const hasMembers = [...this.#rooms.values()].some(({ holders }) => holders > 0);
    await this.#lease.end(hasMembers, this.#options.graceSeconds * 1000);
    for (const room of this.#rooms.values()) room.end();
    for (const pace of this.#paces.values()) pace.end();
  }

  #connected(id: string): Connected {
    const connection = this.#connections.get(id);
    if (connection === undefined || this.#isEnding) throw new RequestError("UNAVAILABLE", "the connection is closed");
    return connection;
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

  async #rename(earlier: string, hasLapsed: boolean): Promise<void> {
    const wokeAt = momentNow();
    if (hasLapsed) {
      // After a sleep sockets look open that are not.
      this.#options.pingAll();
      await new Promise((resolve) => setTimeout(resolve, signOfLifeMs).unref());
    }
    const isThere = ({ connection, heardAt }: HolderOf) => {
      if (!hasLapsed) return true;
      if (!this.#connections.has(connection)) return isStillShown(elapsedMs(heardAt()));
      const isHeard = heardAt().monotonicMs >= wokeAt.monotonicMs;
      if (!isHeard) this.#options.cut(connection);
      return isHeard;
    };
    await Promise.all([...this.#rooms.values()].map((room) => room.moveTo(earlier, isThere)));
  }

  /** Resolves when the members of this instance are registered, or after a moment. */
  async #registered(): Promise<void> {
    if (this.#renaming === undefined) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, 2 * signOfLifeMs);
    });
    await Promise.race([this.#renaming, late]);
    clearTimeout(timer);
  }

  #reapGone(view: LeaseView): void {
    const names = new Set(view.ends.keys());
    for (const room of this.#rooms.values()) {
      for (const instance of room.instances) {
        if (instance === this.#lease.name) continue;
        names.add(instance);
        if (isGone(view, instance)) void room.reap(instance);
      }
    }
    names.delete(this.#lease.name);
    const inMs = nextDeathMs(view, names);
    clearTimeout(this.#reaper);
    if (inMs !== undefined && !this.#isEnding) {
      this.#reaper = setTimeout(() => void this.#lease.look(), inMs).unref();
    }
  }

  /** A reader of a room that nobody here watches removes whom it finds to be gone. */
  #reapUnwatched(room: string, instances: readonly string[]): void {
    const { view } = this.#lease;
    if (view === undefined) return;
    for (const instance of new Set(instances)) {
      if (!isGone(view, instance)) continue;
      void this.#room(room)
        .reap(instance)
        .finally(() => this.#forgetOver());
    }
  }

  /** Some rooms in each step, so that a round of all is spread over its time. */
  #checkSome(): void {
    if (this.#due.length === 0 && performance.now() - this.#roundStartedMs >= membersCheckMs) {
      this.#roundStartedMs = performance.now();
      this.#forgetOver();
      const isDue = ({ watch, sinceCheckMs }: RoomPresence) =>
        watch.watchers.size === 0 || sinceCheckMs >= overdueCheckMs;
      this.#due = [...this.#rooms].flatMap(([name, room]) => (isDue(room) ? name : []));
      this.#perStep = Math.ceil(this.#due.length / checkSteps);
    }
    for (const name of this.#due.splice(0, this.#perStep)) {
      this.#rooms
        .get(name)
        ?.check()
        .catch((err: unknown) => this.#options.logger.debug({ room: name, err }, "members check failed"));
    }
  }

  #forgetOver(): void {
    for (const [name, room] of this.#rooms) {
      if (!room.isOver) continue;
      room.end();
      this.#rooms.delete(name);
    }
  }
}

function holderOf(of: MemberOf, { tag, heardAt }: Connected): HolderOf {
  return { ...of, tag, heardAt };
}
