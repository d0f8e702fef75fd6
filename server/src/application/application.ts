import type { AnyContract, Contract, Input, Output, RequestsOf } from "@holdfast/client/contract";
import type { Message } from "@holdfast/client/protocol";
import type { AuthorizeQuestion, Credentials } from "../auth/identity.ts";
import type { Action } from "../auth/rights.ts";
import type { Logger } from "./logger.ts";
import type { Server } from "./server.ts";

/** What every hook gets beside what it is about. */
export interface HookContext<C> {
  readonly server: Server<C>;
  readonly logger: Logger;
  /** Aborts when the hook has run out of its time: its late result has no effect. */
  readonly signal: AbortSignal;
}

/** A publish of a client, before it is stored. */
export interface PublishAttempt {
  readonly room: string;
  /** The publisher's id: a repeat may run the hook again, with the same one. */
  readonly id: string;
  readonly event: string;
  /** The output of the event's schema. */
  readonly data: unknown;
  readonly user: string | null;
  readonly session: string | null;
}

/** Who asks one of the application's own questions. */
export interface Asker {
  readonly user: string | null;
  readonly session: string | null;
  /** What `authenticate` answered with, or the claims of the token. */
  readonly claims: unknown;
  /** Whether the asker may read or write in a room. Rejects as `authorize` does. */
  can(room: string, action: Action): Promise<boolean>;
  /** The connection through which it asks. */
  readonly connection: AskingConnection;
}

/** A connection, as this instance knows it. A client that moves has another one afterwards. */
export interface AskingConnection {
  readonly ageMs: number;
  /** Until its platform cuts it; undefined where no such time is known. */
  readonly leftMs: number | undefined;
  /**
   * Cuts it at once, without a closing handshake, as a platform does: to try what an application makes of that. Its client
   * comes back by itself; what it has asked is not answered any more.
   */
  cut(): void;
}

/** Who a client is. */
export interface AuthenticatedUser {
  /** null is nobody in particular. */
  readonly user: string | null;
  /** The rights by room, as the claim `rooms` of a token has them: `{ "news:*": "read" }`. The longest match decides. */
  readonly rooms?: Readonly<Record<string, string>>;
  /** What else the application knows of the user, for its other hooks. */
  readonly claims?: unknown;
  /** A client that connects after this is refused with TOKEN_EXPIRED. An open connection is closed ten seconds after it. */
  readonly expiresAtMs?: number;
}

/** Messages that were stored in a room just now, in order. */
export interface PublishedMessages {
  readonly room: string;
  readonly messages: readonly Message[];
}

/** Who joined or left a room. */
interface RoomMember {
  readonly room: string;
  readonly user: string | null;
  readonly session: string;
}

/** Anything that answers HTTP requests, such as a Hono app. */
export interface Routes {
  fetch(request: Request): Response | Promise<Response>;
}

type RequestHooks<C> = {
  readonly [Event in keyof RequestsOf<C>]: (
    payload: RequestsOf<C>[Event] extends { readonly payload: infer P } ? Output<P> : never,
    context: Asker & HookContext<C>,
  ) => MaybePromise<RequestsOf<C>[Event] extends { readonly answer: infer A } ? Input<A> : never>;
};

type MaybePromise<Value> = Value | Promise<Value>;

/** What an application gives to Holdfast. Everything but the contract is optional. */
export interface Application<C = AnyContract> {
  readonly contract: C & Contract;
  /** HTML that is served at `/`, outside production. */
  readonly page?: string;
  /**
   * Identifies the client when it connects or refreshes its token; a refresh must name the same user. Replaces the token
   * check and AUTH. null refuses the client with UNAUTHENTICATED, a RequestError with its own code.
   */
  readonly authenticate?: (credentials: Credentials, context: HookContext<C>) => MaybePromise<AuthenticatedUser | null>;
  /**
   * Decides a right about which the rooms of the token, or of `authenticate`, say nothing; without it ROOM_RIGHTS does. Who
   * may read an inbox `user:<id>` is never asked. A connection keeps an answer for at most five minutes, and no longer than
   * until its token is refreshed, `server.recheck` is called or Redis was away; a request over HTTP keeps none. It may be asked
   * again about a publish or a read that has waited. A member about whom it gives no answer after an outage stays, and it is
   * asked again.
   */
  readonly authorize?: (question: AuthorizeQuestion, context: HookContext<C>) => MaybePromise<boolean>;
  /**
   * May refuse a publish of a client by throwing a RequestError, or change what is stored by returning other data, which
   * is not parsed again; returning nothing keeps it. Publishes of one session in one room are asked for in order, one at
   * a time. Not asked for what the server's own side publishes.
   */
  readonly beforePublish?: (attempt: PublishAttempt, context: HookContext<C>) => unknown;
  /** Answers the contract's own requests. Payload and answer are always checked by their schemas. */
  readonly requests?: RequestHooks<C>;
  /**
   * Is called after messages were stored, by clients or by the server's side, and not for repeats: once, on the instance
   * that stored them, one call at a time for a room. It cannot refuse anything, and what it throws is only logged. Where an
   * instance dies, its last calls are missing: read `server.history` for what must not be missed.
   */
  readonly onPublished?: (published: PublishedMessages, context: HookContext<C>) => unknown;
  /** Is told of a member that joined a room: afterwards, once, on one instance. Moves and short cuts are no join. */
  readonly onJoin?: (member: RoomMember, context: HookContext<C>) => unknown;
  /** The same for one that left. An instance that dies takes along what it has not told. */
  readonly onLeave?: (
    member: RoomMember & {
      /** `left`: its client did. `disconnected`: its client is gone. `lost`: its instance is. */
      readonly reason: "left" | "disconnected" | "lost";
      /** Members that are left. */
      readonly count: number;
    },
    context: HookContext<C>,
  ) => unknown;
  /**
   * The application's own HTTP routes. They are asked where none of Holdfast's matches; where they answer 404, the page
   * and then Holdfast's own 404 follow. Called once, before the server listens.
   */
  readonly routes?: (server: Server<C>) => Routes;
}
