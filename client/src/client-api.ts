import type { SocketIoOptions, Token } from "./connection.ts";
import type { Input, Output, PublishableOf, RequestsOf, ScopeOf, SignalsOf } from "./contract.ts";
import type { HoldfastError } from "./errors.ts";
import type { Published, PublishOptions } from "./outbox.ts";
import type { JoinOptions, Room } from "./room-api.ts";
import type { SignalOptions } from "./signals.ts";

export interface ConnectOptions {
  /**
   * A token, or a function that gives one that is valid now. It is called before every attempt to connect, which the
   * server gives up after ten seconds, and when the token of the connection is about to expire. Where it fails it is
   * called again after a delay. Default: none is sent.
   */
  readonly token?: Token;
  /**
   * Who this client is through all its connections: 16 to 64 characters of A-Z a-z 0-9 _ -. Two clients that live at
   * the same time must not share one. Default: random.
   */
  readonly session?: string;
  /** Options for socket.io-client. Default: WebSocket only. */
  readonly socket?: SocketIoOptions;
  /**
   * Whether the data of a message is what the application expects, such as `fitsContract(contract)` of
   * `@holdfast/client/contract`, which brings the schemas along. What is not comes as `misfit` instead of `message` and
   * its own event. Default: everything fits, and `data` is what was stored.
   */
  readonly fits?: (room: string, event: string, data: unknown) => boolean;
  /**
   * What tells about the network and the page. `online` makes a disconnected client try at once; `offline` makes it give
   * its connection up; after `visibilitychange` and `pageshow` it does so where the server does not answer within 3 s.
   * Default: the browser's window; false: none.
   */
  readonly onlineHint?: EventTarget | false;
  /**
   * Where publishes wait: in memory, or also in the browser's `sessionStorage`, so that a reload of the page keeps them,
   * their ids and their 90 s, and the session. They go out when the client is connected and, where the application
   * joins their room, has joined it. One client for each address of a page may do so, and `close()` is due when the user
   * signs out: it forgets them. Default: "memory".
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
   * - The server or the token function refused a connection, or a fresh token for it.
   * - The connection has never come about; reported once for each cause.
   * - A publish that an earlier load of the page has left was not stored.
   * - Publishes cannot be kept for the next load of the page.
   * - A signal of `client.signal` was refused for good.
   *
   * Unless the error is `retryable`, the client is closed after the first two.
   */
  error: [error: HoldfastError];
  /** The number of publishes that wait has changed. */
  waiting: [waiting: number];
};

export interface Client<Contract> {
  readonly session: string;
  /**
   * Who the server takes this client for: null where nobody has signed in, undefined until the first room is joined, and
   * where an older server does not tell it.
   */
  readonly user: string | null | undefined;
  readonly status: Status;
  /** Publishes of all rooms that are not settled yet: they wait for a connection, or for their acknowledgement. */
  readonly waiting: number;
  /** Calls `handler` on every `event`, until the returned function is called. */
  on<Event extends keyof ClientEvents>(event: Event, handler: (...args: ClientEvents[Event]) => void): () => void;
  /**
   * Joins a room, now or once connected, and gives a handle of its own: with its own handlers, options and `ready`, also
   * where the room is joined already. The room is left with the last handle that leaves.
   */
  join<const Name extends string>(
    room: Name,
    options?: JoinOptions<ScopeOf<Contract, Name>>,
  ): Room<ScopeOf<Contract, Name>>;
  /**
   * Publishes to a room that need not be joined, such as one that the user may only write, as another user's inbox. It
   * waits, is sent again and rejects as `room.publish` does. Publishes to one room are stored in the order of the calls,
   * those of its handles among them; where the room is being joined, they wait for that.
   */
  publish<const Name extends string, Event extends keyof PublishableOf<ScopeOf<Contract, Name>> & string>(
    room: Name,
    event: Event,
    data: Input<PublishableOf<ScopeOf<Contract, Name>>[Event]>,
    options?: PublishOptions,
  ): Promise<Published>;
  /** The same for a signal. One that the server refuses for good is reported as an `error` of the client. */
  signal<const Name extends string, Event extends keyof SignalsOf<ScopeOf<Contract, Name>> & string>(
    room: Name,
    event: Event,
    data: Input<SignalsOf<ScopeOf<Contract, Name>>[Event]>,
    options?: SignalOptions,
  ): void;
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
