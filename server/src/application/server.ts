import type { Input, MessagesOf, ScopeOf, SignalsOf } from "@holdfast/client/contract";
import type { Page, Position } from "@holdfast/client/protocol";

/** A running server, for the application that runs it. What it publishes is not asked for and not limited. */
export interface Server<C> {
  readonly port: number;
  /** Where it can be reached from this machine. */
  readonly url: string;
  /** What it keeps its rooms in, in words: `Redis 7.0.15`. */
  readonly backend: string;
  /**
   * Publishes a message to a room, one of `serverMessages` as well. `id` makes a repeat harmless; without it every call
   * is a message of its own. `user` is told as its author. Throws a RequestError: UNKNOWN_EVENT, INVALID_PAYLOAD,
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
  /** Answers an HTTP request as the server itself would, for mounting it into another one. */
  fetch(request: Request): Promise<Response>;
  /** Moves its clients away, for at most the drain time, then closes everything. */
  close(options?: { readonly drainSeconds?: number }): Promise<void>;
}
