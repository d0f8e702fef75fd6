import type { IncomingMessage, ServerResponse } from "node:http";
import type { Input, MessagesOf, ScopeOf, SignalsOf } from "@holdfast/client/contract";
import type { Member, Page, Position } from "@holdfast/client/protocol";

/** A running server, for the application that runs it. What it publishes needs no right, and the limits of users do not apply to it. */
export interface Server<C> extends AsyncDisposable {
  /** With a host's `httpServer` that server's port, 0 as long as it does not listen. */
  readonly port: number;
  /** Where it can be reached from this machine. */
  readonly url: string;
  /** What it keeps its rooms in, in words: `Redis 7.0.15`. */
  readonly backend: string;
  /**
   * Publishes a message to a room, one of `serverMessages` as well. `id` makes a repeat harmless; without it every call
   * is a message of its own. `user` is its author. Throws a RequestError: UNKNOWN_EVENT, INVALID_PAYLOAD,
   * PAYLOAD_TOO_LARGE, RATE_LIMITED, UNAVAILABLE.
   */
  publish<const Name extends string, Event extends keyof MessagesOf<ScopeOf<C, Name>> & string>(
    room: Name,
    event: Event,
    data: Input<MessagesOf<ScopeOf<C, Name>>[Event]>,
    options?: { readonly id?: string; readonly user?: string },
  ): Promise<{ readonly position: Position; readonly duplicate: boolean }>;
  /** Tells the members of a room something that is not kept. Throws a RequestError as `publish` does. */
  signal<const Name extends string, Event extends keyof SignalsOf<ScopeOf<C, Name>> & string>(
    room: Name,
    event: Event,
    data: Input<SignalsOf<ScopeOf<C, Name>>[Event]>,
  ): Promise<void>;
  /** Reads a room's log: after a position, before one, between two, or the newest. Throws INVALID_PAYLOAD, UNAVAILABLE. */
  history(room: string, range?: { after?: Position; before?: Position; limit?: number }): Promise<Page>;
  /** Everybody who is in a room now; in a large room, page by page, who joins meanwhile may be missing. Throws UNAVAILABLE. */
  members(room: string): Promise<readonly Member[]>;
  /**
   * Checks the rights of a user again, in one room or in all, on every instance: `authorize` is asked again, and
   * connections that lost the right leave the room within a second and are notified. Throws UNAVAILABLE where other
   * instances cannot be reached.
   */
  recheck(user: string, room?: string): Promise<void>;
  /**
   * Closes every connection of a user on every instance, and revokes the tokens that were issued to the user so far. An
   * application's own `authenticate` has to refuse the user by itself. What the user has under way is not stored any
   * more. Throws UNAVAILABLE where Redis cannot be reached or refuses the write: this instance's connections are closed
   * then, and the tokens may count again after a minute.
   */
  disconnectUser(user: string): Promise<void>;
  /**
   * What the server counts, as `GET /metrics` shows it, for an application that takes it elsewhere by itself. Where nobody
   * could ask for it over HTTP, counting begins with the first call.
   */
  metrics(): Promise<string>;
  /** Answers an HTTP request as the server itself would, for mounting it into another one. It needs no `this`. */
  readonly fetch: (request: Request) => Promise<Response>;
  /**
   * The same for Node.js: `app.use("/realtime", server.nodeListener)` in Express, in front of what reads bodies, or a
   * listener of `node:http`.
   */
  readonly nodeListener: (request: IncomingMessage, response: ServerResponse) => void;
  /**
   * Moves its clients away, for at most the drain time, then closes everything that is its own: a host's `httpServer` goes
   * on. Called again, it waits for the same end.
   */
  close(options?: { readonly drainSeconds?: number }): Promise<void>;
}
