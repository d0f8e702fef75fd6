import { type Ask, openConnection, type SocketIoOptions } from "./connection.ts";
import type { AnyContract, Input, Output, RequestsOf, ScopeOf } from "./contract.ts";
import { createEmitter } from "./emitter.ts";
import { CLOSED, type ErrorDetail, HoldfastError, type OwnError } from "./errors.ts";
import { createHandover } from "./handover.ts";
import { randomId } from "./random-id.ts";
import { createRoom, type RoomParts } from "./room.ts";
import type { JoinOptions, Room } from "./room-api.ts";

export interface ConnectOptions {
  /**
   * A token, or a function that is called before every attempt to connect, for a token that is valid now. It has ten
   * seconds, after which the server gives the attempt up. Default: none is sent.
   */
  readonly token?: string | (() => string | Promise<string>);
  /**
   * Who this client is through all its connections: 16 to 64 characters of A-Z a-z 0-9 _ -. Two clients that live at
   * the same time must not share one. Default: random.
   */
  readonly session?: string;
  /** Options for socket.io-client. Default: WebSocket only. */
  readonly socket?: SocketIoOptions;
  /** Its `online` event makes a disconnected client try at once. Default: the browser's window; false: none. */
  readonly onlineHint?: EventTarget | false;
  /** Publishes, of all rooms together, that may wait for their acknowledgement. At least 1. Default 1,000. */
  readonly outboxMessages?: number;
  /** The same in bytes of JSON. Default 1,048,576 (1 MiB). */
  readonly outboxBytes?: number;
}

/**
 * - `connecting`: not connected yet.
 * - `connected`.
 * - `moving`: connected, and about to replace the connection before the platform cuts it. Everything works as usual.
 * - `reconnecting`: the connection was cut. Publishes wait, and what is missed meanwhile will be read from the log.
 * - `closed`: by `close()`, or refused for good.
 */
export type Status = "connecting" | "connected" | "moving" | "reconnecting" | "closed";

/** Event name -> what its handlers get. */
export type ClientEvents = {
  status: [status: Status];
  /** The server or the token function refused a connection. Unless `retryable`, no other attempt follows. */
  error: [error: HoldfastError];
};

export interface Client<Contract> {
  readonly session: string;
  readonly status: Status;
  /** Calls `handler` on every `event`, until the returned function is called. */
  on<Event extends keyof ClientEvents>(event: Event, handler: (...args: ClientEvents[Event]) => void): () => void;
  /** Joins a room, now or once connected. The same room while it is joined already; `options` then has no effect. */
  join<const Name extends string>(room: Name, options?: JoinOptions): Room<ScopeOf<Contract, Name>>;
  /**
   * Asks the server one of the application's own questions, once: where the answer does not come, nobody knows whether
   * the server has acted. Rejects with a HoldfastError: what the server refused, TIMED_OUT, DISCONNECTED.
   */
  request<Event extends keyof RequestsOf<Contract> & string>(
    event: Event,
    payload: RequestsOf<Contract>[Event] extends { readonly payload: infer P } ? Input<P> : never,
  ): Promise<RequestsOf<Contract>[Event] extends { readonly answer: infer A } ? Output<A> : never>;
  /** Ends all rooms; what is not stored yet rejects with CLOSED. Resolves when every connection is closed. */
  close(): Promise<void>;
}

const DISCONNECTED: OwnError<"DISCONNECTED"> = { code: "DISCONNECTED", retryable: true };

/**
 * Connects to a Holdfast server, `https://…` or `wss://…`, and stays connected until `close()`. The type argument is the
 * application's contract, `connect<typeof contract>(url)`: types alone, no schema reaches a browser. Without it events
 * are any text, and their data is unknown.
 */
export function connect<Contract = AnyContract>(url: string, options: ConnectOptions = {}): Client<Contract> {
  const { session = randomId(), onlineHint = globalThis as Partial<EventTarget> } = options;
  const budget = { messages: options.outboxMessages ?? 1000, bytes: options.outboxBytes ?? 1_048_576 };
  const events = createEmitter();
  const rooms = new Map<string, RoomParts>();
  let status: Status = "connecting";
  let isClosed = false;

  const open = () =>
    openConnection(url, options.socket ?? {}, session, options.token, {
      up(connection) {
        // All in one go: the joins leave together, before anything else.
        for (const room of rooms.values()) void room.catchUp(connection);
        update();
      },
      cut(connection) {
        if (isClosed) return;
        handover.cut(connection);
        update();
      },
      refused(connection, error) {
        // An instance that goes away is nothing that an application could do anything about.
        if (error.code !== "DRAINING") events.emit("error", error);
        // While the old connection of a move lives, the new one goes on trying.
        if (error.retryable === false && connection === handover.current()) void end(error);
      },
      notified(connection, notification) {
        if (notification[0] === "connection:expiring") {
          handover.expiring(connection);
          update();
        } else rooms.get(notification[1]?.room)?.notified(connection, notification);
      },
    });

  const handover = createHandover(
    open,
    (connection) => !!connection.id() && [...rooms.values()].every((room) => connection.rooms.has(room)),
    () => {
      for (const room of rooms.values()) room.resume();
    },
  );

  function update() {
    if (isClosed) return setStatus("closed");
    handover.check();
    if (handover.isMoving()) setStatus("moving");
    else if (handover.current().id()) setStatus("connected");
    else if (status !== "connecting") setStatus("reconnecting");
  }

  function setStatus(now: Status) {
    if (now === status) return;
    status = now;
    events.emit("status", now);
  }

  const request: Ask = async (name, payload) => {
    const connection = handover.current();
    if (!connection.id()) throw new HoldfastError(isClosed ? CLOSED : DISCONNECTED);
    const reply = await connection.ask<never>(name, payload);
    if (!reply.ok) throw new HoldfastError(reply.error);
    return reply.data;
  };

  const hurry = () => handover.current().hurry();
  if (onlineHint) onlineHint.addEventListener?.("online", hurry);

  async function end(error: ErrorDetail) {
    isClosed = true;
    if (onlineHint) onlineHint.removeEventListener?.("online", hurry);
    for (const room of rooms.values()) room.end(error);
    update();
    await Promise.all([...handover.connections].map((connection) => connection.close()));
  }

  return {
    session,
    get status() {
      return status;
    },
    on: events.on,
    join(name, joinOptions = {}) {
      const room = rooms.get(name) ?? createRoom(name, joinOptions, { budget, handover, rooms, update, request });
      if (isClosed) room.end(CLOSED);
      else {
        rooms.set(name, room);
        for (const connection of handover.connections) void room.catchUp(connection);
      }
      // The types of a contract say what its schemas let through; at run time there is one room for all contracts.
      return room as unknown as Room<ScopeOf<Contract, typeof name>>;
    },
    request,
    close: () => end(CLOSED),
  };
}
