import type { Moment } from "../clock/elapsed.ts";
import { RequestError } from "../errors.ts";
import type { HolderOf } from "./holder.ts";
import { UpdatePace } from "./update-pace.ts";

/** A connection, as far as members concern it. */
export interface MemberConnection {
  readonly id: string;
  /** When a packet came from it last. */
  readonly heardAt: () => Moment;
}

/** Who joins, updates or leaves. */
export interface MemberOf {
  readonly connection: string;
  readonly session: string;
  readonly user: string | null;
}

interface Connected extends MemberConnection {
  readonly tag: string;
  /** The rooms that it watches or is a member of, and how fast it changes its state there. */
  readonly rooms: Map<string, UpdatePace | undefined>;
}

/** The open connections of this instance, and the rooms in which members concern them. */
export class MemberConnections {
  readonly #connected = new Map<string, Connected>();
  #tags = 0;

  open(connection: MemberConnection): void {
    this.#tags += 1;
    this.#connected.set(connection.id, { ...connection, tag: this.#tags.toString(36), rooms: new Map() });
  }

  /** The connection is gone. Returns its rooms and when it was last heard from; undefined where it was not open. */
  close(id: string): { readonly heardAt: () => Moment; readonly rooms: readonly string[] } | undefined {
    const connection = this.#connected.get(id);
    if (connection === undefined) return undefined;
    this.#connected.delete(id);
    return { heardAt: connection.heardAt, rooms: [...connection.rooms.keys()] };
  }

  isOpen(id: string): boolean {
    return this.#connected.has(id);
  }

  /** Whether the members of the room concern an open connection. */
  isIn(id: string, room: string): boolean {
    return this.#connected.get(id)?.rooms.has(room) === true;
  }

  /** The members of the room concern the connection from now on. Throws UNAVAILABLE where it is closed. */
  enter(of: MemberOf, room: string): HolderOf {
    const connection = this.#open(of.connection);
    if (!connection.rooms.has(room)) connection.rooms.set(room, undefined);
    return { ...of, tag: connection.tag, heardAt: connection.heardAt };
  }

  /** The members of the room no longer concern the connection. A change of its state that waits is dropped. */
  leave(id: string, room: string): void {
    const rooms = this.#connected.get(id)?.rooms;
    rooms?.get(room)?.drop(new RequestError("NOT_JOINED", "the room was left before its state was changed"));
    rooms?.delete(room);
  }

  /** Whether a state of the connection waits for its turn to be written. */
  isUpdating(id: string, room: string): boolean {
    return this.#connected.get(id)?.rooms.get(room)?.isWaiting === true;
  }

  /** The connection is no member any more, so that a change of its state that waits is done with, or fails with the reason. */
  withdraw(id: string, room: string, reason?: RequestError): void {
    this.#connected.get(id)?.rooms.get(room)?.drop(reason);
  }

  /**
   * Writes a state with the pace of the connection in this room. Resolves when it, or a newer one, is stored, or dropped.
   *
   * @param write - takes the newest state; the connection may be closed by then
   */
  async update(
    id: string,
    room: string,
    stateJson: string,
    write: (stateJson: string) => Promise<unknown>,
  ): Promise<void> {
    const { rooms } = this.#open(id);
    let pace = rooms.get(room);
    if (pace === undefined) {
      pace = new UpdatePace(write);
      rooms.set(room, pace);
    }
    await pace.update(stateJson);
  }

  /** No state is written any more. */
  stop(): void {
    for (const { rooms } of this.#connected.values()) for (const pace of rooms.values()) pace?.drop(closedError());
  }

  #open(id: string): Connected {
    const connection = this.#connected.get(id);
    if (connection === undefined) throw closedError();
    return connection;
  }
}

function closedError(): RequestError {
  return new RequestError("UNAVAILABLE", "the connection is closed");
}
