import { type Ask, type Connection, type ConnectionEvent, openConnection, type SocketIoOptions } from "./connection.ts";
import type { AnyContract, Input, Output, RequestsOf, ScopeOf } from "./contract.ts";
import { createEmitter } from "./emitter.ts";
import { CLOSED, type ErrorDetail, HoldfastError, type OwnError } from "./errors.ts";
import { createHandover } from "./handover.ts";
import { type Budget, createOutbox, type Outbox, type Stored } from "./outbox.ts";
import { randomId } from "./random-id.ts";
import { createRoom, type RoomHandle } from "./room.ts";
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
  /**
   * What tells about the network and the page. `online` makes a disconnected client try at once; `offline` makes it give
   * its connection up; after `visibilitychange` and `pageshow` it does so where the server does not answer within 3 s.
   * Default: the browser's window; false: none.
   */
  readonly onlineHint?: EventTarget | false;
  /**
   * Where publishes wait: in memory, or also in the browser's `sessionStorage`, so that a reload of the page keeps them,
   * their ids and their 90 s, and the session. They go out when their room is joined again. One client for each address
   * of a page may do so, and `close()` is due when the user signs out: it forgets them. Default: "memory".
   */
  readonly outbox?: "memory" | "session";
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
  /**
   * A connection was refused, by the server or the token function, or has never come about, which is told once for each
   * cause; unless `retryable`, no other attempt follows. Or a publish that an earlier load of the page has left was not
   * stored, or publishes cannot be kept for the next one.
   */
  error: [error: HoldfastError];
  /** The number of publishes that wait has changed. */
  waiting: [waiting: number];
};

export interface Client<Contract> {
  readonly session: string;
  readonly status: Status;
  /** Publishes of all rooms that are not settled yet: they wait for a connection, or for their acknowledgement. */
  readonly waiting: number;
  /** Calls `handler` on every `event`, until the returned function is called. */
  on<Event extends keyof ClientEvents>(event: Event, handler: (...args: ClientEvents[Event]) => void): () => void;
  /**
   * Joins a room, now or once connected, and gives a handle of its own: with its own handlers, options and `ready`, also
   * where the room is joined already. The room is left with the last handle that leaves.
   */
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

const OUTBOX_NOT_KEPT: OwnError<"OUTBOX_NOT_KEPT"> = { code: "OUTBOX_NOT_KEPT", retryable: true };

/** The session of an earlier load of the page. */
function keptSession(key: string) {
  try {
    return /^[\w-]{16,64}$/.exec(sessionStorage.getItem(key) ?? "")?.[0];
  } catch {
    return;
  }
}

/**
 * Connects to a Holdfast server, `https://…` or `wss://…`, and stays connected until `close()`. The type argument is the
 * application's contract, `connect<typeof contract>(url)`: types alone, no schema reaches a browser. Without it events
 * are any text, and their data is unknown.
 */
export function connect<Contract = AnyContract>(url: string, options: ConnectOptions = {}): Client<Contract> {
  const { onlineHint = globalThis as Partial<EventTarget> } = options;
  const key = options.outbox === "session" ? `holdfast ${url}` : "";
  const session = options.session ?? ((key && keptSession(key)) || randomId());
  const outboxMessages = options.outboxMessages ?? 1000;
  const budget: Budget = {
    messages: outboxMessages,
    bytes: options.outboxBytes ?? 1_048_576,
    changed: () => events.emit("waiting", client.waiting),
  };
  const events = createEmitter();
  /** A path would be taken for one of Socket.IO's namespaces. */
  const isAddress = /^(https?|wss?):\/\/[^/?#]+\/?(\?|$)/.test(url);
  const told = new Set<string>();
  const handles = new Set<RoomHandle>();
  /** By the room's name: of the rooms that have a handle, or publishes that wait for one. */
  const outboxes = new Map<string, Outbox>();
  let status: Status = "connecting";
  let isClosed = false;

  function route(room: string) {
    const connection = handover.current();
    return connection.rooms.has(room) ? connection : undefined;
  }

  const isWanted = (room: string) => [...handles].some(({ name }) => name === room);

  function outboxOf(room: string) {
    const stored: Stored = (...what) => {
      for (const handle of handles) if (handle.name === room) handle.acknowledged(...what);
    };
    const outbox = outboxes.get(room) ?? createOutbox(room, budget, () => route(room), stored);
    for (const [name, { isEmpty }] of outboxes) if (isEmpty() && !isWanted(name)) outboxes.delete(name);
    outboxes.set(room, outbox);
    return outbox;
  }

  function tell(connection: Connection, event: ConnectionEvent) {
    if (event.type === "up") {
      // All in one go: the joins leave together, before anything else.
      for (const handle of handles) void handle.catchUp(connection);
    } else if (event.type === "cut") {
      if (isClosed) return;
      handover.on("cut", connection);
    } else if (event.type === "refused") {
      const { error } = event;
      // The client tries another instance; there is nothing for the application to do.
      if (error.code !== "DRAINING") events.emit("error", error);
      // While the old connection of a move lives, the new one goes on trying.
      if (error.retryable === false && connection === handover.current()) void end(error);
    } else if (event.type === "failed") {
      explain(event.cause).catch(() => undefined);
    } else {
      const { notification } = event;
      if (notification[0] === "connection:expiring") handover.on("expiring", connection);
      else {
        for (const handle of handles) {
          if (handle.name === notification[1]?.room) handle.notified(connection, notification);
        }
        return;
      }
    }
    update();
  }

  const handover = createHandover(
    () => openConnection(isAddress ? url : "ws://-", isAddress, options.socket ?? {}, session, options.token, tell),
    () => {
      for (const outbox of outboxes.values()) outbox.resume();
    },
  );

  /** Says why no connection has come about so far, once for each cause. */
  async function explain(cause?: unknown) {
    if (status !== "connecting") return;
    const { diagnose } = await import("./diagnosis.ts");
    const detail = await diagnose(url, isAddress);
    if (status !== "connecting" || told.has(detail.code)) return;
    told.add(detail.code);
    tell(handover.current(), { type: "refused", error: new HoldfastError(detail, { cause }) });
  }

  /** Draws the conclusions from what has happened: a move may be complete, and what is told follows from the state. */
  function update() {
    const next = handover.next();
    if (!isClosed && next?.id() && [...handles].every(({ name }) => next.rooms.has(name))) handover.on("ready", next);
    if (isClosed) setStatus("closed");
    else if (handover.next()) setStatus("moving");
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

  function hint({ type }: Event) {
    if (type === "online") handover.current().hurry();
    else if (type === "offline" || !globalThis.document?.hidden) {
      for (const connection of handover.connections) void connection.check(type === "offline");
    }
  }

  const HINTS = ["online", "offline", "visibilitychange", "pageshow"];
  if (onlineHint) for (const type of HINTS) onlineHint.addEventListener?.(type, hint);

  if (!isAddress) explain().catch(() => undefined);
  let closeOutbox: (() => void) | undefined;
  if (key) {
    const tellError = (error: unknown) => events.emit("error", error);
    const failed = (cause: unknown) => tellError(new HoldfastError(OUTBOX_NOT_KEPT, { cause }));
    budget.opening = import("./session-outbox.ts").then(({ openSessionOutbox }) => {
      budget.opening = undefined;
      if (isClosed) return;
      closeOutbox = openSessionOutbox({
        key,
        session,
        page: onlineHint || undefined,
        budget,
        publish({ room, id, event, data, calledAtMs }) {
          return outboxOf(room).publish(event, data, { id }, undefined, calledAtMs);
        },
        refused: (error) => isClosed || tellError(error),
        failed,
      });
    }, failed);
  }

  async function end(error: ErrorDetail) {
    isClosed = true;
    closeOutbox?.();
    if (onlineHint) for (const type of HINTS) onlineHint.removeEventListener?.(type, hint);
    for (const handle of handles) handle.end(error);
    for (const outbox of outboxes.values()) outbox.end(error);
    update();
    await Promise.all([...handover.connections].map((connection) => connection.close()));
  }

  const client: Client<Contract> = {
    session,
    get status() {
      return status;
    },
    get waiting() {
      return outboxMessages - budget.messages;
    },
    on: events.on,
    join(name, joinOptions = {}) {
      const room = createRoom(name, joinOptions, {
        handover,
        handles,
        isWanted,
        outbox: outboxOf(name),
        route,
        request,
        update,
      });
      handles.add(room);
      if (isClosed) room.end(CLOSED);
      for (const connection of handover.connections) void room.catchUp(connection);
      // The types of a contract say what its schemas let through; at run time there is one room for all contracts.
      return room as unknown as Room<ScopeOf<Contract, typeof name>>;
    },
    request,
    close: () => end(CLOSED),
  };
  return client;
}
