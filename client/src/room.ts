import { backoffMs, sleep } from "./backoff.ts";
import type { ConnectOptions } from "./client-api.ts";
import type { Ask, Connection, RoomNotification } from "./connection.ts";
import type { AnyContract } from "./contract.ts";
import { createEmitter, runHandler } from "./emitter.ts";
import { CLOSED, type ErrorDetail, HoldfastError, type OwnError } from "./errors.ts";
import type { Handover } from "./handover.ts";
import type { Outbox } from "./outbox.ts";
import type { MembersView, Presence } from "./presence.ts";
import { POSITION_PATTERN, type Position } from "./protocol/position.ts";
import type { JoinOptions, Room } from "./room-api.ts";
import { createSequencer, type Delivery, type Heard } from "./sequencer.ts";
import type { createSignals } from "./signals.ts";

/** What a handle of a room needs of its client. */
export interface RoomOwner {
  readonly handover: Handover;
  /** Of all rooms. */
  readonly handles: Set<RoomHandle>;
  /** Whether a room has a handle. */
  isWanted(room: string): boolean;
  /** The publishes of this room, which its handles share. */
  readonly outbox: Outbox;
  readonly signal: ReturnType<typeof createSignals>;
  readonly fits: ConnectOptions["fits"];
  /** The connection that a room can be used through now: one that has joined it, where the room has a handle. */
  route(room: string): Connection | undefined;
  readonly request: Ask;
  /** A room was joined through a connection, or a handle is over. */
  update(): void;
}

/** A handle as its client sees it. */
export interface RoomHandle extends Omit<Room<AnyContract>, keyof MembersView>, MembersView {
  /** Whether it has nothing to join through a connection. */
  isJoined(connection: Connection): boolean;
  /** Joins through a connection and reads what is missing, until nothing is or the connection is cut. */
  catchUp(connection: Connection): Promise<void>;
  notified(connection: Connection, notification: RoomNotification): void;
  acknowledged(id: string, position: Position, isDuplicate: boolean): void;
  /** Resolves when the server knows that it shows no members any more. */
  end(error: ErrorDetail): Promise<unknown> | undefined;
}

const REVOKED: ErrorDetail<"FORBIDDEN"> = {
  code: "FORBIDDEN",
  message: "the right to read this room is gone",
  retryable: false,
};
const LOAD_FAILED: OwnError<"LOAD_FAILED"> = { code: "LOAD_FAILED", retryable: true };

/**
 * What one `join` gives: a continuity, handlers and state of its own. The handles of a room share the membership, which
 * each connection knows by the room's name, and the outbox.
 */
export function createRoom(
  name: string,
  { since, history, load, presence: wanted }: Omit<JoinOptions, "presence"> & { readonly presence?: unknown },
  owner: RoomOwner,
): RoomHandle {
  const { fits, handover, handles, isWanted, outbox, signal, route, request, update } = owner;
  const events = createEmitter();
  const sequencer = createSequencer({ since, loads: !!load }, (event, told) => {
    if (event === "load") void loadAt(told);
    else if (event === "gap") events.emit(event, told);
    else if (!isFit(told)) events.emit("misfit", told);
    else {
      events.emit(event, told);
      events.emit(told.event, told.data, told);
    }
  });
  /** The load under way, which another one replaces. */
  let loading: object | undefined;
  /** Undefined until it is loaded, which is so only where it is wanted. */
  let presence: Presence | undefined;
  let opening: Promise<void> | undefined;
  let isOpening = false;
  /** Whether the server has let it in, so that a refusal is the end of a right. */
  let wasJoined = false;
  /** Counts the times that a connection was taken out of the room: an answer that was under way then proves nothing. */
  let revocations = 0;
  /** The connections, by the id of the time they are up, that are being used to catch up. */
  const busy = new Set<string>();
  /** Why the handle is over. */
  let over: ErrorDetail | undefined;
  const why = () => over;
  let resolveReady: () => void;
  let rejectReady: (error: HoldfastError) => void;
  const ready = new Promise<void>((resolve, reject) => {
    resolveReady = resolve;
    rejectReady = reject;
  });
  // An application that does not wait for it hears of a refusal by an event.
  ready.catch(() => undefined);

  function isFit({ event, data }: Delivery) {
    let isFit = !fits;
    runHandler(() => {
      isFit ||= fits?.(name, event, data) === true;
    });
    return isFit;
  }

  /** A room that is not joined yet is being joined by now. */
  function catchUpIfBehind() {
    if (sequencer.isBehind()) void room.catchUp(handover.current());
  }

  /** Until it succeeds, the handle is over or another load takes its place. */
  async function loadAt(position: Position) {
    const current = {};
    loading = current;
    for (let attempt = 0; loading === current; await sleep(backoffMs(attempt++))) {
      const error = await Promise.resolve({ position })
        .then(load)
        .then(
          () => undefined,
          (cause) => new HoldfastError(LOAD_FAILED, { cause }),
        );
      if (loading !== current) return;
      if (!error) {
        loading = undefined;
        resolveReady();
        sequencer.loaded(position);
        return catchUpIfBehind();
      }
      events.emit("error", error);
    }
  }

  /** Loads the part of the client that knows members. Where that fails, the room is joined without it meanwhile. */
  async function openPresence(state: unknown) {
    isOpening = true;
    for (let attempt = 0; ; await sleep(backoffMs(attempt++))) {
      const part = await import("./presence.ts").catch((cause) =>
        events.emit("error", new HoldfastError(LOAD_FAILED, { cause })),
      );
      if (over) return;
      presence = part?.createPresence(room, state, owner, events, refuse);
      isOpening = false;
      for (const connection of handover.connections) void room.catchUp(connection);
      if (presence) return;
    }
  }

  /** The room is over for this handle, by the server's will. */
  function refuse(detail: ErrorDetail) {
    const error = new HoldfastError(detail);
    void room.end(error);
    events.emit(wasJoined && error.code === "FORBIDDEN" ? "revoked" : "error", error);
  }

  /** Until the server knows, the connection is cut, or the room is joined again. */
  async function leaveThrough(connection: Connection) {
    connection.rooms.delete(name);
    const id = connection.id();
    for (let attempt = 0; id && connection.id() === id && !isWanted(name); ) {
      const reply = await connection.request("room:leave", { room: name });
      if (reply.ok || !reply.error.retryable) break;
      await connection.wait(reply.error.retryAfterMs ?? backoffMs(attempt++));
    }
  }

  /** Through all connections: where the room is being joined, it is left behind the join. */
  async function leaveUnlessWanted() {
    if (!isWanted(name)) await Promise.all([...handover.connections].map(leaveThrough));
  }

  const room: RoomHandle = {
    name,
    get position() {
      return sequencer.last();
    },
    get status() {
      if (over) return "left";
      return route(name) ? "joined" : "joining";
    },
    ready,
    on: events.on,
    publish: (event, data, options) => outbox.publish(event, data, options, why),
    signal: (event, data, options) => signal(events, { room: name, event, data }, options, why),
    members: new Map(),
    count: undefined,
    mode: undefined,
    async setPresence(state) {
      opening ??= openPresence(null);
      await opening;
      const error = over ?? (await presence?.set(state));
      if (error) throw new HoldfastError(error);
    },
    history: (range) => request("history:read", { room: name, ...range }),
    async leave() {
      await Promise.all([room.end(CLOSED), leaveUnlessWanted()]);
    },

    isJoined: (connection) => connection.rooms.has(name) && !presence?.isDue(connection),
    async catchUp(connection) {
      const id = connection.id();
      if (!id || busy.has(id) || isOpening) return;
      busy.add(id);
      for (let attempt = 0; !over && connection.id() === id; ) {
        const isJoined = room.isJoined(connection);
        if (isJoined && !sequencer.isBehind()) break;
        const asked = sequencer.ask();
        const revocationsBefore = revocations;
        const join = { room: name, ...(asked ? { since: asked } : history && { history }) };
        const reply = await (isJoined && asked
          ? connection.read("history:read", { room: name, after: asked })
          : (presence?.join(connection, join) ?? connection.read("room:join", join)));
        if (over) break;
        if (reply.ok && revocations === revocationsBefore) {
          connection.rooms.set(name, connection.rooms.get(name));
          if (!isJoined) presence?.joined(connection, reply.data);
        }
        sequencer.answer(asked, reply.ok ? reply.data : undefined);
        if (reply.ok) {
          attempt = 0;
          wasJoined = true;
          if (!loading) resolveReady();
          if (!isJoined) outbox.resume();
          update();
        } else if (!reply.error.retryable) refuse(reply.error);
        else await sleep(reply.error.retryAfterMs ?? backoffMs(attempt++));
      }
      busy.delete(id);
    },
    acknowledged: sequencer.acknowledged,
    end(error) {
      if (over) return undefined;
      over = error;
      loading = undefined;
      sequencer.close();
      handles.delete(room);
      outbox.end(error, why);
      // What the application has decided is no failure of what it waits for.
      if (error === CLOSED) resolveReady();
      else rejectReady(new HoldfastError(error));
      const left = presence?.end(error);
      update();
      return left;
    },
    notified(connection, [type, payload]) {
      if (over) return;
      if (type === "message:published" || type === "room:position") {
        const heard: Heard = payload;
        // Nothing else can be put into the order of the log, or asked for.
        if ((heard.messages ?? [heard]).every(({ position }) => POSITION_PATTERN.test(`${position}`))) {
          sequencer.hear(heard);
        }
        // During a move signals come twice, and nothing in them tells a repeat.
      } else if (type === "signal:sent" && connection === handover.current()) {
        events.emit(payload.event, payload.data, { from: payload.from });
      } else if (type === "presence:changed") presence?.changed(payload);
      else if (type === "room:revoked") {
        revocations++;
        if (payload.code === "FORBIDDEN") {
          refuse(REVOKED);
          // Another connection may be in the room still.
          return void leaveUnlessWanted();
        }
        sequencer.doubt();
        return void connection.wait(backoffMs(0)).then(() => room.catchUp(connection));
      }
      catchUpIfBehind();
    },
  };
  if (wanted !== undefined) opening = openPresence(wanted);
  return room;
}
