import { backoffMs, sleep } from "./backoff.ts";
import type { Ask, Connection, RoomNotification } from "./connection.ts";
import type { AnyContract } from "./contract.ts";
import { createEmitter } from "./emitter.ts";
import { CLOSED, type ErrorDetail, HoldfastError, type OwnError } from "./errors.ts";
import type { Handover } from "./handover.ts";
import { type Budget, createOutbox } from "./outbox.ts";
import { POSITION_PATTERN, type Position } from "./protocol/position.ts";
import type { JoinOptions, Room } from "./room-api.ts";
import { createSequencer, type Heard } from "./sequencer.ts";

/** What a room needs of its client. */
export interface RoomOwner {
  readonly budget: Budget;
  readonly handover: Handover;
  /** The rooms that are joined or being joined, by name. */
  readonly rooms: Map<string, unknown>;
  readonly request: Ask;
  /** A room was joined through a connection, or is over. */
  update(): void;
}

/** A room as its client sees it. */
export interface RoomParts extends Room<AnyContract> {
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
  { budget, handover, rooms, update, request }: RoomOwner,
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
    history: (range) => request("history:read", { room: name, ...range }),
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
