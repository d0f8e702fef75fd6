import { backoffMs } from "./backoff.ts";
import type { Connection } from "./connection.ts";
import { type ErrorDetail, HoldfastError, notJson, type OwnError, TIMED_OUT } from "./errors.ts";
import { createLane } from "./lane.ts";
import type { RequestPayload } from "./protocol/events.ts";
import type { limits } from "./protocol/limits.ts";
import type { Position } from "./protocol/position.ts";
import { randomId } from "./random-id.ts";

/** A publish as it is kept over a reload. */
export interface Kept {
  readonly room: string;
  readonly id: string;
  readonly event: string;
  readonly data: unknown;
  /** When it was published, in milliseconds since 1970. */
  readonly calledAtMs: number;
}

/** What the rooms of a client together may still keep waiting. */
export interface Budget {
  messages: number;
  bytes: number;
  /** Hears that the number of publishes that wait has changed. */
  changed?(): void;
  /** Keeps a publish beyond the page; returns a function that forgets it. */
  keep?(kept: Kept): () => void;
  /** Nothing is sent before this has settled: what was kept comes first. */
  opening?: Promise<void> | undefined;
}

/** A stored message. */
export interface Published {
  /** The message's id, as its members get it. */
  readonly id: string;
  readonly position: Position;
  /** True where it was stored before, at an earlier attempt. */
  readonly duplicate: boolean;
}

export interface PublishOptions {
  /**
   * The message's id, 8 to 64 characters of A-Z a-z 0-9 _ -, by which an optimistic list finds its own message again. It
   * names one message, for ever, and nobody must be able to guess it. Default: random.
   */
  readonly id?: string;
}

/** Hears of every acknowledgement before the publisher does. */
export type Stored = (id: string, position: Position, isDuplicate: boolean) => void;

/** Why a handle is over; undefined while it is not. */
export type Over = () => ErrorDetail | undefined;

interface Entry {
  readonly payload: RequestPayload<"message:publish">;
  /** Names the handle of the room that it was published through. */
  readonly owner: Over | undefined;
  /** When it was published, in milliseconds since 1970. */
  readonly calledAtMs: number;
  settle(error: ErrorDetail | undefined, published?: Published): void;
}

// Numbers of the protocol, held to `limits` by their types, so that the table itself stays out of the bundle.
const DATA_BYTES: typeof limits.dataBytes = 65_536;
const PUBLISH_RETRY_MS: typeof limits.publishRetryMs = 90_000;

const OUTBOX_FULL: OwnError<"OUTBOX_FULL"> = { code: "OUTBOX_FULL", retryable: true };
const tooLarge = (bytes: number): OwnError<"PAYLOAD_TOO_LARGE"> => ({
  code: "PAYLOAD_TOO_LARGE",
  message: `expected at most ${DATA_BYTES} bytes, got ${bytes}`,
  retryable: false,
});

export type Outbox = ReturnType<typeof createOutbox>;

/**
 * The publishes of one room: kept until the server has acknowledged the append, sent in order through `route()`, the
 * connection to use now (none while the room is being joined), and sent again with the same id after all that can pass.
 * `stored` hears of every acknowledgement before the publisher does.
 */
export function createOutbox(room: string, budget: Budget, route: () => Connection | undefined, stored: Stored) {
  const lane = createLane<Entry>();
  /** The connection that carries what is in flight. */
  let carrier: Connection | undefined;
  let attempt = 0;
  /** How long to wait before going back; undefined when nothing asks for a wait. */
  let delayMs: number | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** Publishes that wait for what an earlier load of the page has left. */
  let arriving = 0;

  function flush() {
    const connection = route();
    // What is in flight on the old connection of a handover settles first: a publish on the new one could overtake it.
    if (!connection || (carrier !== connection && !lane.isIdle())) return;
    carrier = connection;
    for (let next = lane.next(); next; next = lane.next()) {
      const { entry, after } = next;
      // The timer of an entry stands still while the machine sleeps, and the server's memory of ids does not.
      if (Date.now() - entry.calledAtMs < PUBLISH_RETRY_MS) void send(connection, entry, after);
      else {
        entry.settle(TIMED_OUT);
        lane.answered(false);
      }
    }
  }

  /** Starts again with the first one that is not settled, now. */
  function resume() {
    clearTimeout(timer);
    delayMs = undefined;
    lane.goBack();
    flush();
  }

  async function send(connection: Connection, entry: Entry, after: string | undefined) {
    const reply = await connection.request("message:publish", { ...entry.payload, ...(after && { after }) });
    const again = !reply.ok && reply.error.retryable;
    if (reply.ok) {
      attempt = 0;
      stored(entry.payload.id, reply.data.position, reply.data.duplicate);
      entry.settle(undefined, { id: entry.payload.id, ...reply.data });
    } else if (!again) entry.settle(reply.error);
    // OUT_OF_ORDER only echoes what happened to an earlier one.
    else if (reply.error.code !== "OUT_OF_ORDER") delayMs = reply.error.retryAfterMs ?? delayMs ?? backoffMs(attempt++);
    if (lane.answered(again)) timer = setTimeout(resume, connection.id() ? delayMs : 0);
    else flush();
  }

  return {
    resume,

    publish(
      event: string,
      data: unknown,
      { id = randomId() }: PublishOptions = {},
      over?: Over,
      calledAtMs = Date.now(),
    ): Promise<Published> {
      return new Promise((resolve, reject) => {
        const refuse = (error: ErrorDetail) => reject(new HoldfastError(error));
        let json: string;
        let copy: unknown;
        try {
          json = JSON.stringify(data);
          // A copy, so that what is sent again is what was published.
          copy = JSON.parse(json);
        } catch (cause) {
          return refuse(notJson(cause));
        }
        const bytes = new Blob([json]).size;
        if (bytes > DATA_BYTES) return refuse(tooLarge(bytes));
        const enqueue = () => {
          arriving--;
          const why = over?.() ?? ((budget.messages < 1 || budget.bytes < bytes) && OUTBOX_FULL);
          if (why) return refuse(why);
          const count = (messages: 1 | -1) => {
            budget.messages -= messages;
            budget.bytes -= messages * bytes;
            budget.changed?.();
          };
          const payload = { room, id, event, data: copy };
          let forget: (() => void) | undefined;
          const entry: Entry = {
            payload,
            owner: over,
            calledAtMs,
            settle(error, published) {
              if (!lane.remove(entry)) return;
              clearTimeout(deadline);
              forget?.();
              if (published) resolve(published);
              else if (error) refuse(error);
              count(-1);
            },
          };
          const deadline = setTimeout(() => entry.settle(TIMED_OUT), calledAtMs + PUBLISH_RETRY_MS - Date.now());
          lane.entries.push(entry);
          // In this order: where it cannot be kept the application is told, and may publish something else then.
          forget = budget.keep?.({ ...payload, calledAtMs });
          count(1);
          flush();
        };
        arriving++;
        if (budget.opening === undefined) enqueue();
        else void budget.opening.then(enqueue);
      });
    },

    /** What is not settled rejects: all of it, or what was published through one handle. */
    end(error: ErrorDetail, owner?: Over) {
      for (const entry of [...lane.entries]) if (!owner || entry.owner === owner) entry.settle(error);
      // What is left may have waited for a handle that is over.
      if (lane.entries.length) return flush();
      clearTimeout(timer);
      lane.goBack();
    },

    /** Whether nothing waits. */
    isEmpty: () => !lane.entries.length && !arriving,
  };
}
