import { holderOf } from "../auth/holder.ts";
import { OverLimit } from "../errors.ts";

/** A refused connection tries again within this time, at a random moment. */
const fullRetryMs = 5_000;
/** WebSockets that may be open for each seat, those that are not admitted (yet) among them. */
const webSocketsPerSeat = 2;

export interface SeatLimits {
  readonly maxConnections: number | undefined;
  readonly maxConnectionsPerUser: number;
}

/** One connection's place on this instance. */
export interface Seat {
  /** Whose it is. Throws RATE_LIMITED where that user has too many. */
  assign(identity: { readonly user: string | null; readonly session: string | null }): void;
  /** Gives it back; called again it does nothing. */
  leave(): void;
}

/** The connections that an instance admits, and one user of it. */
export class Seats {
  readonly #limits: SeatLimits;
  readonly #byHolder = new Map<string, number>();
  #taken = 0;

  constructor(limits: SeatLimits) {
    this.#limits = limits;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Whether a further WebSocket may be opened, where so many are. Strangers must not fill the memory. */
  mayOpen(openWebSockets: number): boolean {
    const { maxConnections } = this.#limits;
    return maxConnections === undefined || openWebSockets < webSocketsPerSeat * maxConnections;
  }

  /** A place for a connection that asks to be admitted, before anything is verified for it. Throws SERVER_FULL. */
  take(): Seat {
    const { maxConnections = Number.POSITIVE_INFINITY, maxConnectionsPerUser } = this.#limits;
    if (this.#taken >= maxConnections) {
      throw new OverLimit(
        "connections",
        "SERVER_FULL",
        `this instance has ${maxConnections} connections`,
        retryAfterMs(),
      );
    }
    this.#taken += 1;
    let holder: string | undefined;
    let isLeft = false;
    return {
      assign: (identity) => {
        const known = holderOf(identity);
        const held = this.#byHolder.get(known) ?? 0;
        if (held >= maxConnectionsPerUser) {
          const message = `this user has ${maxConnectionsPerUser} connections on this instance`;
          throw new OverLimit("connections per user", "RATE_LIMITED", message, retryAfterMs());
        }
        if (isLeft) return;
        holder = known;
        this.#byHolder.set(known, held + 1);
      },
      leave: () => {
        if (isLeft) return;
        isLeft = true;
        this.#taken -= 1;
        if (holder !== undefined) this.#release(holder);
      },
    };
  }

  #release(holder: string): void {
    const held = (this.#byHolder.get(holder) ?? 0) - 1;
    if (held > 0) this.#byHolder.set(holder, held);
    else this.#byHolder.delete(holder);
  }
}

function retryAfterMs(): number {
  return Math.ceil(Math.random() * fullRetryMs);
}
