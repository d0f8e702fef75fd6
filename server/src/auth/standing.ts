import { RequestError } from "../errors.ts";
import type { AuthorizeQuestion, Identity } from "./identity.ts";
import type { Proof } from "./revocations.ts";
import { type Action, decideRight, type Rights } from "./rights.ts";

/** Asks the application. Throws what its hook throws, and UNAVAILABLE where it takes too long. */
export type Authorize = (question: AuthorizeQuestion) => Promise<boolean>;

/** Puts a question to the application, or throws where it may not be asked: what bounds the questions decides. */
export type Asking = (ask: () => Promise<boolean>) => Promise<boolean>;

const askAtOnce: Asking = (ask) => ask();

/** What rights rest on beside the identity; the same for all callers of a server. */
export interface RightsOptions {
  readonly authorize: Authorize | undefined;
  readonly roomRights: Rights;
  readonly inboxes: boolean;
  /** How long an answer of `authorize` is kept; default 5 minutes. */
  readonly keepAnswersMs?: number | undefined;
  /** Whether the user was disconnected just now, after this proof was accepted. */
  readonly isRevoked: (proof: Proof) => boolean;
}

/** How long a connection goes on after its token has expired. */
const expiryGraceMs = 10_000;
/** How long an answer of `authorize` is kept, and how many a connection keeps. */
const answerAgeMs = 5 * 60_000;
const answersPerConnection = 256;
const actions = ["read", "write"] as const satisfies readonly Action[];

interface KeptAnswer {
  readonly answer: boolean | Promise<boolean>;
  readonly askedAtMs: number;
}

/**
 * Who a caller is and what he may do, for as long as a connection lasts or a request takes. It changes in place: a fresh
 * token renews it, and the application may have its answers asked for again.
 */
export class Standing implements Proof {
  /** The server's own side has no standing: it may do everything. */
  readonly isTrusted = false;
  readonly session: string | null;
  readonly #options: RightsOptions;
  readonly #answers = new Map<string, KeptAnswer>();
  #identity: Identity;
  #revokedUpToSeconds: number;
  #renewalsBegun = 0;
  #lastRenewal = 0;
  /** Counts what makes an answer that is under way worth nothing. */
  #changes = 0;

  /**
   * @param session - null for a request over HTTP
   * @param revokedUpToSeconds - the user's last revocation when the identity was accepted
   */
  constructor(identity: Identity, session: string | null, options: RightsOptions, revokedUpToSeconds = 0) {
    this.#identity = identity;
    this.#revokedUpToSeconds = revokedUpToSeconds;
    this.session = session;
    this.#options = options;
  }

  get identity(): Identity {
    return this.#identity;
  }

  get revokedUpToSeconds(): number {
    return this.#revokedUpToSeconds;
  }

  get user(): string | null {
    return this.#identity.user;
  }

  get claims(): unknown {
    return this.#identity.claims;
  }

  /** When its connection is to be closed, in milliseconds since 1970; undefined where its proof has no end. */
  get closesAtMs(): number | undefined {
    const { expiresAtMs } = this.#identity;
    return expiresAtMs === undefined ? undefined : expiresAtMs + expiryGraceMs;
  }

  /**
   * Begins a renewal. What it returns takes the identity of the fresh token, of the same user. It has no effect where a
   * renewal that began later has brought one already: the token that the client sent last counts.
   */
  beginRenewal(): (identity: Identity, revokedUpToSeconds: number) => void {
    this.#renewalsBegun += 1;
    const number = this.#renewalsBegun;
    return (identity, revokedUpToSeconds) => {
      if (number < this.#lastRenewal) return;
      this.#lastRenewal = number;
      this.#identity = identity;
      this.#revokedUpToSeconds = revokedUpToSeconds;
      this.forget();
    };
  }

  /** Has the application asked again, about one room or about all. */
  forget(room?: string): void {
    this.#changes += 1;
    if (room === undefined) this.#answers.clear();
    else for (const action of actions) this.#answers.delete(`${action} ${room}`);
  }

  /** Throws TOKEN_EXPIRED where the token's grace is over or the user was disconnected: it may do nothing any more. */
  requireCurrent(): void {
    const { closesAtMs } = this;
    // This counts where a process that slept is woken by a request, and for requests that wait as their connection is closed.
    if (closesAtMs !== undefined && Date.now() > closesAtMs) {
      throw new RequestError("TOKEN_EXPIRED", "the token of this connection has expired");
    }
    if (this.#options.isRevoked(this)) throw new RequestError("TOKEN_EXPIRED", "the user was disconnected");
  }

  /**
   * Whether it may read or write in a room: at once where nobody has to be asked, so that requests start in the order in
   * which they came. Throws TOKEN_EXPIRED, and what `authorize` and `asking` throw.
   */
  may(room: string, action: Action, asking = askAtOnce): boolean | Promise<boolean> {
    this.requireCurrent();
    const kept = this.#keptAnswer(room, action);
    const decided = this.#decide(room, action, typeof kept === "boolean" ? kept : "unasked");
    return decided === "ask" ? asking(() => this.#ask(room, action)) : decided;
  }

  #decide(room: string, action: Action, authorized: boolean | "unasked"): boolean | "ask" {
    const { authorize, roomRights, inboxes } = this.#options;
    const { user, rooms: claim } = this.#identity;
    const answer = authorize === undefined ? undefined : authorized;
    return decideRight({ user, claim, authorized: answer, roomRights, inboxes }, room, action);
  }

  async #ask(room: string, action: Action): Promise<boolean> {
    const changes = this.#changes;
    const answer = await (this.#keptAnswer(room, action) ?? this.#question(room, action));
    // What was answered about a token that has been replaced, or before the application wanted to be asked again, is void.
    return changes === this.#changes ? answer : this.may(room, action);
  }

  #keptAnswer(room: string, action: Action): boolean | Promise<boolean> | undefined {
    const key = `${action} ${room}`;
    const kept = this.#answers.get(key);
    if (kept === undefined || performance.now() - kept.askedAtMs < (this.#options.keepAnswersMs ?? answerAgeMs))
      return kept?.answer;
    this.#answers.delete(key);
    return undefined;
  }

  #question(room: string, action: Action): Promise<boolean> {
    const { authorize } = this.#options;
    const { user, claims } = this.#identity;
    const key = `${action} ${room}`;
    const answer = authorize?.({ user, claims, room, action }) ?? Promise.resolve(false);
    const asked: KeptAnswer = { answer, askedAtMs: performance.now() };
    this.#keep(key, asked);
    answer.then(
      (allowed) => {
        if (this.#answers.get(key) === asked) this.#answers.set(key, { ...asked, answer: allowed });
      },
      () => {
        // A failure is no answer: the next request asks again.
        if (this.#answers.get(key) === asked) this.#answers.delete(key);
      },
    );
    return answer;
  }

  #keep(key: string, kept: KeptAnswer): void {
    this.#answers.set(key, kept);
    if (this.#answers.size <= answersPerConnection) return;
    const [oldest] = this.#answers.keys();
    if (oldest !== undefined) this.#answers.delete(oldest);
  }
}
