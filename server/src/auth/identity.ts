import type { Action, RoomRights } from "./rights.ts";

/** Who a connection or a request speaks for, and what proved it. */
export interface Identity {
  /** Whether a token proved it; otherwise the application did, or nobody is asked. */
  readonly isToken: boolean;
  /** null is nobody in particular. */
  readonly user: string | null;
  /** The rights by room that came with the proof. */
  readonly rooms: RoomRights | undefined;
  /** What else is known of the user: a token's claims, or what the application's `authenticate` answered with. */
  readonly claims: unknown;
  /** When the proof ends, in milliseconds since 1970; undefined where it does not. */
  readonly expiresAtMs: number | undefined;
  /** When the token was issued, in whole seconds since 1970; undefined where it does not say so, or is no token. */
  readonly issuedAtSeconds: number | undefined;
}

/** What a client connects with. */
export interface Credentials {
  readonly token: string | undefined;
  /** Of the WebSocket's handshake, without the platform's credentials. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly query: Readonly<Record<string, string | string[] | undefined>>;
}

/** Finds out who connects. Throws UNAUTHENTICATED, TOKEN_EXPIRED, UNAVAILABLE and what the application refuses with. */
export type Authenticate = (credentials: Credentials) => Promise<Identity>;

/** A question about a right that the user's rooms do not decide. */
export interface AuthorizeQuestion {
  readonly user: string | null;
  /** What `authenticate` answered with, or the claims of the token. */
  readonly claims: unknown;
  readonly room: string;
  /** `read`: join, history, members; `write`: publish, signal, presence. */
  readonly action: Action;
}

export const anonymous: Identity = {
  isToken: false,
  user: null,
  rooms: undefined,
  claims: undefined,
  expiresAtMs: undefined,
  issuedAtSeconds: undefined,
};
