import { limits, type Sender } from "@holdfast/client/protocol";
import type { AskingConnection } from "../application/application.ts";
import type { Action } from "../auth/rights.ts";
import type { Asking } from "../auth/standing.ts";

/** Who sends a request, and through which connection; a request knows nothing else about where it came from. */
export interface Caller {
  /** What rights are judged by. It never leaves the server. */
  readonly identity: CallerIdentity;
  /** What the members of a room learn about the sender. */
  readonly from: Sender;
  /** The name of the connection, so that a signal does not come back to it; "" where there is none. */
  readonly connection: string;
  /** What the application's own requests learn of the connection; undefined where there is none. */
  readonly carrier?: AskingConnection;
  readonly membership: Membership;
  readonly reads: ReadTurns;
  /**
   * Takes a fresh token in place of the one before. Resolves to its end, or null where it has none. Throws FORBIDDEN where it is another user's,
   * and what refuses a token in a handshake.
   */
  refreshToken(token: string): Promise<number | null>;
}

/** Who a caller is, as the token or the application says. */
export interface CallerIdentity {
  /**
   * True for the server's own side, which may do everything: the application's code, a publisher, and a back end with the
   * ADMIN_TOKEN.
   */
  readonly isTrusted: boolean;
  readonly user: string | null;
  readonly session: string | null;
  /** What else the token or the application says of the user. */
  readonly claims: unknown;
  /** Throws TOKEN_EXPIRED where it may do nothing any more: its token has expired, or its user was disconnected. */
  requireCurrent(): void;
  /**
   * Whether it may read or write in a room: at once where nobody has to be asked. Throws TOKEN_EXPIRED, and what the
   * application's `authorize` throws.
   *
   * @param asking - asks the application, or refuses to; default: it is asked
   */
  may(room: string, action: Action, asking?: Asking): boolean | Promise<boolean>;
}

/** Gives the reads of one connection their turns. */
export interface ReadTurns {
  /**
   * Runs a read when it is its turn, with the page size that suits the connection; that size is for reads that can be
   * continued. Throws RATE_LIMITED where too many reads wait, or where this one waits for too long.
   */
  run<Value>(read: (pageBytes: number) => Promise<Value>): Promise<Value>;
}

/** The rooms of one connection. */
export interface Membership {
  readonly size: number;
  has(room: string): boolean;
  /** Resolves when everything that is appended from now on reaches the connection. Throws UNAVAILABLE. */
  add(room: string): Promise<void>;
  remove(room: string): void;
}

/** A caller of the server's own side, which publishes in the name of `user` and has no connection. */
export function trustedCaller(user: string | null = null): Caller {
  return {
    identity: {
      isTrusted: true,
      user,
      session: null,
      claims: undefined,
      requireCurrent: () => undefined,
      may: () => true,
    },
    from: { user, session: null },
    ...noConnection,
  };
}

/** The caller of an authenticated HTTP request. */
export function callerWithoutConnection(identity: CallerIdentity): Caller {
  return { identity, from: { user: identity.user, session: identity.session }, ...noConnection };
}

const noMembership: Membership = {
  size: 0,
  has: () => false,
  add: () => Promise.reject(new Error("only a connection can be in a room")),
  remove: () => undefined,
};

const noConnection: Pick<Caller, "connection" | "membership" | "reads" | "refreshToken"> = {
  connection: "",
  membership: noMembership,
  reads: { run: (read) => read(limits.pageBytes) },
  refreshToken: () => Promise.reject(new Error("only a connection can have its token refreshed")),
};
