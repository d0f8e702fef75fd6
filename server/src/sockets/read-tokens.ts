import { TokenBucket } from "../token-bucket.ts";

/** Tokens of a connection's requests that reads leave to its other requests. */
const reservedTokens = 500;
/** Tokens of reads alone, for a connection whose other requests take all that it has: in one burst, and per second. */
const burstReadTokens = 200;
const readTokensPerSecond = 200;
/** Debt of reads up to which a further read may be asked for: it waits until that is paid, in its turn. */
const longestDebtMs = 2_000;

/**
 * What pays for the reads of one connection: the tokens of its requests while there are plenty, otherwise a few of its
 * own. So a connection that publishes at its limit can still join and read, only more slowly, and its reads take
 * nothing from its publishes.
 */
export class ReadTokens {
  readonly #requests: TokenBucket;
  readonly #own: TokenBucket;

  constructor(requests: TokenBucket, nowMs?: () => number) {
    this.#requests = requests;
    this.#own = new TokenBucket({
      burst: burstReadTokens,
      perSecond: readTokensPerSecond,
      ...(nowMs === undefined ? {} : { nowMs }),
    });
  }

  /** Takes the tokens of a request to read: 0, or the milliseconds after which there will be as many. */
  take(cost: number): number {
    const waitMs = this.#requests.take(cost);
    if (waitMs === 0) return 0;
    const debtMs = this.#own.waitMs(cost);
    if (debtMs > longestDebtMs) return Math.min(waitMs, debtMs - longestDebtMs);
    this.#own.charge(cost);
    return 0;
  }

  /** Takes the tokens of a page that was read. What is missing is a debt. */
  charge(cost: number): void {
    const payer = this.#requests.waitMs(reservedTokens) === 0 ? this.#requests : this.#own;
    payer.charge(cost);
  }

  /** The milliseconds after which another page can be paid for; 0 where it can be now. */
  waitMs(): number {
    return Math.min(this.#requests.waitMs(reservedTokens), this.#own.waitMs(1));
  }
}
