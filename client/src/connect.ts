import type { Client, ConnectOptions, Status } from "./client-api.ts";
import { type Ask, type Connection, type ConnectionEvent, openConnection } from "./connection.ts";
import type { AnyContract, ScopeOf } from "./contract.ts";
import { createEmitter } from "./emitter.ts";
import { CLOSED, type ErrorDetail, HoldfastError, type OwnError, tokenFailed } from "./errors.ts";
import { createHandover } from "./handover.ts";
import { type Budget, createOutbox, type Outbox, type Stored } from "./outbox.ts";
import type { NotificationPayload } from "./protocol/events.ts";
import { randomId } from "./random-id.ts";
import { createRoom, type RoomHandle } from "./room.ts";
import type { Room } from "./room-api.ts";
import { createSignals } from "./signals.ts";

const DISCONNECTED: OwnError<"DISCONNECTED"> = { code: "DISCONNECTED", retryable: true };

const OUTBOX_NOT_KEPT: OwnError<"OUTBOX_NOT_KEPT"> = { code: "OUTBOX_NOT_KEPT", retryable: true };

/** How long the server may take to answer the goodbye of a client that closes. */
const LEAVE_MS = 1000;

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
export function connect<Contract = AnyContract>(address: string | URL, options: ConnectOptions = {}): Client<Contract> {
  const url = `${address}`.trim();
  const { fits, onlineHint = globalThis as Partial<EventTarget> } = options;
  const key = options.outbox === "session" ? `holdfast ${url}` : "";
  const session = options.session ?? ((key && keptSession(key)) || randomId());
  const outboxMessages = options.outboxMessages ?? 1000;
  const budget: Budget = {
    messages: outboxMessages,
    bytes: options.outboxBytes ?? 1_048_576,
    changed: () => events.emit("waiting", client.waiting),
  };
  const events = createEmitter();
  /** A path, even one of a space, would be taken for one of Socket.IO's namespaces. */
  const isAddress = /^(https?|wss?):\/\/[^/?#\s]+\/?(\?|$)/.test(url);
  /** Codes of refusals since a connection came up last. */
  const told = new Set<string>();
  const handles = new Set<RoomHandle>();
  const signal = createSignals(route);
  /** By the room's name: of the rooms that have a handle, or publishes that wait for one. */
  const outboxes = new Map<string, Outbox>();
  let user: string | null | undefined;
  let status: Status = "connecting";
  let isClosed = false;
  /**
   * What the use of a client that is over rejects with: it is a mistake, where leaving a room that is not joined yet is
   * none. `cause` is the refusal that has ended it.
   */
  let closed = CLOSED;

  function route(room: string) {
    const connection = handover.current();
    // Where the application joins the room, the order of what it does holds, and a refusal comes from the join.
    return connection.rooms.has(room) || (connection.id() && !isWanted(room)) ? connection : undefined;
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

  function resumeAll() {
    for (const outbox of outboxes.values()) outbox.resume();
  }

  function tell(connection: Connection, event: ConnectionEvent) {
    if (event.type === "up") {
      told.clear();
      // All in one go: the joins leave together, before anything else.
      for (const handle of handles) void handle.catchUp(connection);
      if (connection === handover.current()) resumeAll();
    } else if (event.type === "cut") {
      if (isClosed) return;
      handover.on("cut", connection);
    } else if (event.type === "refused") {
      const { error } = event;
      const isFinal = error.retryable === false;
      const isTold = told.has(error.code);
      told.add(error.code);
      // The client tries another instance; there is nothing for the application to do.
      if (error.code !== "DRAINING" && !(isFinal && isTold)) events.emit("error", error);
      // While the old connection of a move lives, the new one goes on trying.
      if (isFinal && connection === handover.current()) void end(error);
    } else if (event.type === "known") user = event.user;
    else if (event.type === "failed") {
      explain(event.cause).catch(() => undefined);
    } else {
      const { notification } = event;
      if (notification[0] === "connection:expiring") void replace(connection, notification[1]);
      else {
        const room = notification[1]?.room;
        if (notification[0] === "room:revoked") connection.rooms.delete(room);
        // A copy: an application that joins the room again in its handler gets a handle of which this says nothing.
        for (const handle of [...handles]) {
          if (handle.name === room) handle.notified(connection, notification);
        }
        return;
      }
    }
    update();
  }

  /** Moves away from a connection that will be cut, unless a fresh token is all that it needs. */
  async function replace(connection: Connection, why: NotificationPayload<"connection:expiring"> | undefined) {
    const failed = (cause: unknown) => tell(connection, { type: "refused", error: tokenFailed(cause) });
    const part = why?.reason === "token" && (await import("./token.ts").catch(() => undefined));
    if (part && (await part.refreshToken(connection, options.token, failed))) return;
    handover.on("expiring", connection);
    update();
  }

  const handover = createHandover(
    () => openConnection(isAddress ? url : "ws://-", isAddress, options.socket ?? {}, session, options.token, tell),
    resumeAll,
  );

  /** Says why no connection has come about so far, once for each cause. */
  async function explain(cause?: unknown) {
    if (status !== "connecting") return;
    const { diagnose } = await import("./diagnosis.ts");
    const detail = await diagnose(url, isAddress);
    if (status !== "connecting" || told.has(detail.code)) return;
    tell(handover.current(), { type: "refused", error: new HoldfastError(detail, { cause }) });
  }

  /** Draws the conclusions from what has happened: a move may be complete, and what is emitted follows from the state. */
  function update() {
    const next = handover.next();
    if (!isClosed && next?.id() && [...handles].every(({ isJoined }) => isJoined(next))) handover.on("ready", next);
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
    if (!connection.id()) throw new HoldfastError(isClosed ? closed : DISCONNECTED);
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
      closeOutbox = openSessionOutbox({
        key,
        session,
        page: onlineHint || undefined,
        budget,
        async publish({ room, id, event, data, calledAtMs }) {
          return isClosed || outboxOf(room).publish(event, data, { id }, undefined, calledAtMs);
        },
        refused: (error) => isClosed || tellError(error),
        failed,
      });
      // What an earlier load has left is forgotten also where the client was closed before it could be read.
      if (isClosed) closeOutbox();
    }, failed);
  }

  /** Closes a connection. A member leaves first: an older connection of its may still be open at another instance. */
  function leave(connection: Connection) {
    let graceMs = 0;
    for (const [room, presence] of connection.rooms) {
      if (!presence) continue;
      void connection.request("room:leave", { room });
      graceMs = LEAVE_MS;
    }
    return connection.close(graceMs);
  }

  async function end(error: ErrorDetail) {
    if (!isClosed) {
      const [why, cause] = error === CLOSED ? [""] : [`: ${error.message}`, error];
      closed = { ...CLOSED, message: `the client is closed${why}; connect again`, cause };
    }
    isClosed = true;
    closeOutbox?.();
    if (onlineHint) for (const type of HINTS) onlineHint.removeEventListener?.(type, hint);
    // First: what is published by the client itself waits for no handle, and must not be sent now.
    for (const outbox of outboxes.values()) outbox.end(error);
    for (const handle of handles) void handle.end(error);
    update();
    await Promise.all([budget.opening, ...[...handover.connections].map(leave)]);
  }

  const client: Client<Contract> = {
    session,
    get user() {
      return user;
    },
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
        signal,
        fits,
        route,
        request,
        update,
      });
      handles.add(room);
      if (isClosed) void room.end(closed);
      for (const connection of handover.connections) void room.catchUp(connection);
      // The types of a contract say what its schemas let through; at run time there is one room for all contracts.
      return room as unknown as Room<ScopeOf<Contract, typeof name>>;
    },
    publish: (room, event, data, publishOptions) =>
      outboxOf(room).publish(event, data, publishOptions, () => (isClosed ? closed : undefined)),
    signal: (room, event, data, signalOptions) => signal(events, { room, event, data }, signalOptions),
    request,
    close: () => end(CLOSED),
  };
  return client;
}
