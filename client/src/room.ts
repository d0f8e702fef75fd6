import { backoffMs, sleep } from "./backoff.ts";
import type { Connection, RoomNotification } from "./connection.ts";
import type { MessageData, MessageEvent, SignalData, SignalEvent } from "./contract.ts";
import { createEmitter } from "./emitter.ts";
import { CLOSED, type ErrorDetail, HoldfastError, type OwnError } from "./errors.ts";
import type { Handover } from "./handover.ts";
import { type Budget, createOutbox, type Published } from "./outbox.ts";
import type { Sender } from "./protocol/events.ts";
import { POSITION_PATTERN, type Position } from "./protocol/position.ts";
import { createSequencer, type Delivery, type Gap, type Heard } from "./sequencer.ts";

export interface JoinOptions {
  /** Continue after this position, as read from `room.position` in an earlier life of the application. */
  readonly since?: Position;
  /** Without `since`: begin with the newest so many messages, 0 to 500. Default 0. */
  readonly history?: number;
  /**
   * Obtains the application's own state, at least as of `position`; may return a promise. Called once the room is
   * joined (with `since` the application has its state already), and after every `gap`; no later message is delivered
   * before it has succeeded. A failure is told as an `error` with the code LOAD_FAILED, and it is called again with
   * back-off, until the room is left.
   */
  readonly load?: (what: { readonly position: Position }) => unknown;
}

/** A message of the contract as it is delivered. */
export interface RoomMessage<Event extends MessageEvent = MessageEvent> extends Delivery {
  readonly event: Event;
  readonly data: MessageData<Event>;
}

/** Event name -> what its handlers get. */
export type RoomEvents = {
  [Event in MessageEvent]: [data: MessageData<Event>, message: RoomMessage<Event>];
} & {
  [Event in SignalEvent]: [data: SignalData<Event>, signal: { readonly from: Sender }];
} & {
  /** Every message, those too that only a newer contract knows. Comes before the event of its own name. */
  message: [message: Delivery];
  /** Continuity could not be proven: obtain anew what is built from messages. */
  gap: [gap: Gap];
  /** `load` failed, which is `retryable`, and the room goes on; or the server refused the room for good: it is over. */
  error: [error: HoldfastError];
};

/** One room, joined until `leave()`. Each message is delivered once, in the order of the room's log. */
export interface Room {
  readonly name: string;
  /** Everything up to here was delivered, and its handlers have run; undefined before the first answer of the server. */
  readonly position: Position | undefined;
  /** Resolves once the room is joined and `load` has succeeded; rejects when it was refused, left or closed before. */
  readonly ready: Promise<void>;
  /**
   * Calls `handler` on every `event`, until the returned function is called. Register handlers in the same tick as
   * `join`, so that nothing comes before them. A handler that throws is reported and disturbs nothing else.
   */
  on<Event extends keyof RoomEvents>(event: Event, handler: (...args: RoomEvents[Event]) => void): () => void;
  /**
   * Resolves when the message is stored, so that every member will get it. While there is no connection it waits.
   * Publishes of one client to one room are stored in the order of the calls. Rejects with a HoldfastError: what the
   * server refused, INVALID_PAYLOAD (data that is not JSON), PAYLOAD_TOO_LARGE (over 64 KiB of JSON), OUTBOX_FULL,
   * TIMED_OUT (after 90 s), CLOSED.
   */
  publish<Event extends MessageEvent>(event: Event, data: MessageData<Event>): Promise<Published>;
  /** Tells whoever is there now. Never kept, never repeated: lost while there is no connection. */
  signal<Event extends SignalEvent>(event: Event, data: SignalData<Event>): void;
  /** Leaves the room; what is not stored yet rejects with CLOSED. Resolves when the server knows, or cannot be asked. */
  leave(): Promise<void>;
}

/** What a room needs of its client. */
export interface RoomOwner {
  readonly budget: Budget;
  readonly handover: Handover;
  /** The rooms that are joined or being joined, by name. */
  readonly rooms: Map<string, unknown>;
  /** A room was joined through a connection, or is over. */
  update(): void;
}

/** A room as its client sees it. */
export interface RoomParts extends Room {
  /** Joins through a connection and reads what is missing, until nothing is or the connection is cut. */
  catchUp(connection: Connection): Promise<void>;
  notified(connection: Connection, notification: RoomNotification): void;
  /** Sends what waits, now. */
  resume(): void;
  end(error: ErrorDetail): void;
}

const LOAD_FAILED: OwnError<"LOAD_FAILED"> = { code: "LOAD_FAILED", retryable: true };

export function createRoom(
  name: string,
  { since, history, load }: JoinOptions,
  { budget, handover, rooms, update }: RoomOwner,
): RoomParts {
  const events = createEmitter();
  const sequencer = createSequencer({ since, loads: !!load }, (event, told) => {
    if (event === "load") void loadAt(told);
    else events.emit(event, told);
    if (event === "message") events.emit(told.event, told.data, told);
  });
  /** The load under way, which another one replaces. */
  let loading: object | undefined;
  /** The connections, by the id of the time they are up, that are being used to catch up. */
  const busy = new Set<string>();
  let isOver = false;
  let resolveReady: () => void;
  let rejectReady: (error: HoldfastError) => void;
  const ready = new Promise<void>((resolve, reject) => {
    resolveReady = resolve;
    rejectReady = reject;
  });
  // Whoever does not wait for it hears of a refusal by the `error` event.
  ready.catch(() => undefined);

  /** The connection that this room can be used through now. */
  function route() {
    const connection = handover.current();
    return connection.rooms.has(room) ? connection : undefined;
  }

  const outbox = createOutbox(name, budget, route, sequencer.acknowledged);

  /** A room that is not joined yet is being joined by now. */
  function catchUpIfBehind() {
    if (sequencer.isBehind()) void catchUp(handover.current());
  }

  /** Until it succeeds, the room is over or another load takes its place. */
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

  async function catchUp(connection: Connection) {
    const id = connection.id();
    if (!id || busy.has(id)) return;
    busy.add(id);
    for (let attempt = 0; !isOver && connection.id() === id; ) {
      const isJoined = connection.rooms.has(room);
      if (isJoined && !sequencer.isBehind()) break;
      const asked = sequencer.ask();
      const reply = await (isJoined && asked
        ? connection.request("history:read", { room: name, after: asked })
        : connection.request("room:join", { room: name, ...(asked ? { since: asked } : history && { history }) }));
      if (isOver) break;
      if (reply.ok) connection.rooms.add(room);
      sequencer.answer(asked, reply.ok ? reply.data : undefined);
      if (reply.ok) {
        attempt = 0;
        if (!loading) resolveReady();
        if (!isJoined) outbox.resume();
        update();
      } else {
        if (!reply.error.retryable) {
          events.emit("error", new HoldfastError(reply.error));
          end(reply.error);
          break;
        }
        await sleep(reply.error.retryAfterMs ?? backoffMs(attempt++));
      }
    }
    busy.delete(id);
  }

  /** Until the server knows, the connection is cut, or the room is joined again. */
  async function leaveThrough(connection: Connection) {
    connection.rooms.delete(room);
    const id = connection.id();
    for (let attempt = 0; id && connection.id() === id && !rooms.has(name); ) {
      const reply = await connection.request("room:leave", { room: name });
      if (reply.ok || !reply.error.retryable) break;
      await connection.wait(reply.error.retryAfterMs ?? backoffMs(attempt++));
    }
  }

  function end(error: ErrorDetail) {
    if (isOver) return;
    isOver = true;
    loading = undefined;
    sequencer.close();
    rooms.delete(name);
    update();
    outbox.end(error);
    rejectReady(new HoldfastError(error));
  }

  const room: RoomParts = {
    name,
    get position() {
      return sequencer.last();
    },
    ready,
    on: events.on,
    publish: outbox.publish,
    signal: (event, data) => route()?.signal({ room: name, event, data }),
    async leave() {
      end(CLOSED);
      // Through all of them: where the room is being joined, it is left behind the join.
      await Promise.all([...handover.connections].map(leaveThrough));
    },

    catchUp,
    end,
    resume: outbox.resume,
    notified(connection, [name, payload]) {
      if (name === "message:published" || name === "room:position") {
        const heard: Heard = payload;
        // Nothing else can be put into the order of the log, or asked for.
        if ((heard.messages ?? [heard]).every(({ position }) => POSITION_PATTERN.test(`${position}`))) {
          sequencer.hear(heard);
        }
        // During a move signals come twice, and nothing in them tells a repeat.
      } else if (name === "signal:sent" && connection === handover.current()) {
        events.emit(payload.event, payload.data, { from: payload.from });
      }
      catchUpIfBehind();
    },
  };
  return room;
}
