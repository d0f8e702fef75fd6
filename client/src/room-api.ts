import type { AnyContract, Input, MessagesOf, Output, PresenceOf, PublishableOf, SignalsOf } from "./contract.ts";
import type { HoldfastError } from "./errors.ts";
import type { Published, PublishOptions } from "./outbox.ts";
import type { Member, Page, Sender } from "./protocol/events.ts";
import type { Position } from "./protocol/position.ts";
import type { Delivery, Gap } from "./sequencer.ts";
import type { SignalOptions } from "./signals.ts";

export interface JoinOptions<Scope = AnyContract> {
  /** Continue after this position, as read from `room.position` in an earlier life of the application. */
  readonly since?: Position;
  /** Without `since`: begin with the newest so many messages, 0 to 500. Default 0. */
  readonly history?: number;
  /**
   * Obtains the application's own state, at least as of `position`; may return a promise. Called once the room is
   * joined (with `since` the application has its state already), and after every `gap`; no later message is delivered
   * before it has succeeded. A failure is reported as an `error` with the code LOAD_FAILED, and it is called again with
   * back-off, until the room is left.
   */
  readonly load?: (what: { readonly position: Position }) => unknown;
  /**
   * Show the members of the room, and be one of them: with a state that the contract's `presence` takes, or `true` for none.
   * `null` shows the members alone, as does the lack of the right to write. A state that the server refuses refuses the
   * room. Default: no members are shown.
   */
  readonly presence?: Input<PresenceOf<Scope>> | true | null;
}

/** A member of a room: a session, that is one client through all its connections. */
export interface MemberOf<Scope> extends Omit<Member, "state"> {
  /** Null where it has given none. */
  readonly state: Output<PresenceOf<Scope>> | null;
}

/** What has changed among the members of a room. */
export interface MembersChange<Scope> {
  readonly joined: readonly MemberOf<Scope>[];
  /** Members whose state is another one. */
  readonly updated: readonly MemberOf<Scope>[];
  /** As they were last. */
  readonly left: readonly MemberOf<Scope>[];
  readonly count: number;
  readonly mode: "members" | "count";
}

/** A message of the contract, as it is delivered. */
export interface RoomMessage<Event extends string = string, Data = unknown> extends Delivery {
  readonly event: Event;
  readonly data: Data;
}

/** A signal, as its handlers get it beside its data. */
export interface SignalContext {
  readonly from: Sender;
}

/**
 * Every message of a room, told apart by `event`. A server with a newer contract may send others: end a `switch` with a
 * default that does nothing.
 */
export type MessageOf<Scope> = string extends keyof MessagesOf<Scope>
  ? RoomMessage
  : {
      [Event in keyof MessagesOf<Scope> & string]: RoomMessage<Event, Output<MessagesOf<Scope>[Event]>>;
    }[keyof MessagesOf<Scope> & string];

/** The data of one message of a room, as it is delivered. */
export type MessageData<Scope, Event extends keyof MessagesOf<Scope>> = Output<MessagesOf<Scope>[Event]>;

/**
 * - `joining`: not joined yet, or not again after a cut. Publishes wait.
 * - `joined`: messages arrive, and publishes go out.
 * - `left`: by `leave()`, with its client, or because the server refused the room, or the right to read it, for good.
 */
export type RoomStatus = "joining" | "joined" | "left";

/** What every room tells, whatever its contract. */
type OwnEvents<Scope> = {
  /** Every message. Comes before the event of its own name. */
  message: [message: MessageOf<Scope>];
  /** A message that does not pass the client's `fits`. It comes in its place in the order. */
  misfit: [message: RoomMessage];
  /** Messages may be missing: rebuild any state that was derived from messages. */
  gap: [gap: Gap];
  /**
   * The members have changed: with the first answer all of them are `joined`. Only with the option `presence`. A move, a
   * reconnection within the server's grace, and what comes twice are no change. Where the mode becomes "count", the lists
   * are empty, and nobody has left by that.
   */
  members: [change: MembersChange<Scope>];
  /**
   * The right to read the room has ended: the handle is over, its `status` is `left`, and what it published and is not
   * stored yet rejects with the error's code, FORBIDDEN. A room that was never joined is refused by an `error`.
   */
  revoked: [error: HoldfastError];
  /**
   * `load` failed, which is `retryable`; or the server refused a signal, and the room goes on; or it refused the room for
   * good: `status` is `left`.
   */
  error: [error: HoldfastError];
};

/** Event name -> what its handlers get. */
export type RoomEvents<Scope> = {
  [Event in keyof MessagesOf<Scope> & string]: [
    data: Output<MessagesOf<Scope>[Event]>,
    message: RoomMessage<Event, Output<MessagesOf<Scope>[Event]>>,
  ];
} & {
  [Event in keyof SignalsOf<Scope> & string]: [data: Output<SignalsOf<Scope>[Event]>, signal: SignalContext];
} & OwnEvents<Scope>;

type Listen<Scope> = <Event extends keyof RoomEvents<Scope>>(
  event: Event,
  handler: (...args: RoomEvents<Scope>[Event]) => void,
) => () => void;

/** Without a contract an event is any text. Its handlers get data that is unknown, and a message or a signal. */
interface ListenToAny<Scope> {
  <Event extends keyof OwnEvents<Scope>>(event: Event, handler: (...args: OwnEvents<Scope>[Event]) => void): () => void;
  (event: string, handler: (data: unknown, context: SignalContext & Partial<Delivery>) => void): () => void;
}

/** A page of older messages. */
export interface HistoryRange {
  /** Messages before this position; without it the newest ones. */
  readonly before?: Position;
  /** Messages at most, 1 to 500. Default 500. */
  readonly limit?: number;
}

/**
 * A handle of one room: what one `join` gives. Each message is delivered to it once, in the order of the room's log. The
 * handles of a room share nothing but the order of their publishes.
 */
export interface Room<Scope> {
  readonly name: string;
  readonly status: RoomStatus;
  /** Everything up to here was delivered, and its handlers have run; undefined before the first answer of the server. */
  readonly position: Position | undefined;
  /**
   * Resolves once the room is joined and `load` has succeeded, and also when its own application has left it, or closed
   * the client, before that: `status` is `left` then. Rejects when it was refused before, or the client is over.
   */
  readonly ready: Promise<void>;
  /**
   * Calls `handler` on every `event`, until the returned function is called. Register handlers in the same tick as
   * `join`, so that nothing comes before them. A handler that throws is reported and disturbs nothing else.
   */
  readonly on: string extends keyof MessagesOf<Scope> ? ListenToAny<Scope> : Listen<Scope>;
  /**
   * Resolves when the message is stored, so that every member will get it. While there is no connection it waits.
   * Publishes of one client to one room are stored in the order of the calls. Rejects with a HoldfastError: what the
   * server refused, INVALID_PAYLOAD (data that is not JSON), PAYLOAD_TOO_LARGE (over 64 KiB of JSON), OUTBOX_FULL,
   * TIMED_OUT (after 90 s), CLOSED.
   */
  publish<Event extends keyof PublishableOf<Scope> & string>(
    event: Event,
    data: Input<PublishableOf<Scope>[Event]>,
    options?: PublishOptions,
  ): Promise<Published>;
  /**
   * Is sent to the members connected now. It is never kept and never repeated: it is lost while the room is not joined. One
   * that the server refuses for good, because the contract does not allow it, is reported as an `error`.
   */
  signal<Event extends keyof SignalsOf<Scope> & string>(
    event: Event,
    data: Input<SignalsOf<Scope>[Event]>,
    options?: SignalOptions,
  ): void;
  /**
   * The members of the room by their sessions, one's own among them: always the same map, which is kept up to date, as
   * of the last connection while there is none. Empty where `join` was called without `presence`, where the members are
   * only counted, and when the handle is over.
   */
  readonly members: ReadonlyMap<string, MemberOf<Scope>>;
  /** The number of members; undefined before it is known, and without `presence`. */
  readonly count: number | undefined;
  /** "count" where there are too many members to be told one by one; undefined where `count` is. */
  readonly mode: "members" | "count" | undefined;
  /**
   * Changes the own state, which all handles of the room share; null ends the membership and goes on showing the members.
   * Of several calls the last one counts, and so it does while there is no connection. Resolves when this state or a newer
   * one is stored. Rejects with a HoldfastError: what the server refused, after which the state before counts again,
   * and CLOSED. A handle that was joined without `presence` shows the members from then on.
   */
  setPresence(state: Input<PresenceOf<Scope>> | null): Promise<void>;
  /**
   * Reads older messages: oldest first, with `complete: false` where the log holds more before them. Without `before` they
   * are the newest ones, and `complete` is true whatever is before those. Delivery goes on apart from it. Rejects with a HoldfastError: what the server refused, TIMED_OUT, DISCONNECTED.
   */
  history(range?: HistoryRange): Promise<HistoryPage<Scope>>;
  /**
   * Ends this handle: its handlers are not called any more, and what was published through it and is not stored yet
   * rejects with CLOSED. The room itself is left with the last of its handles. Resolves when the server knows that, or
   * cannot be asked.
   */
  leave(): Promise<void>;
}

/** A page of a room's log, with the messages of its contract. */
export type HistoryPage<Scope> = Omit<Page, "messages"> & { readonly messages: readonly HistoryMessage<Scope>[] };
type HistoryMessage<Scope> =
  MessageOf<Scope> extends infer M ? (M extends RoomMessage ? Omit<M, "replayed"> : never) : never;
