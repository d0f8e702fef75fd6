import type { Logger } from "pino";
import { TokenBucket } from "../token-bucket.ts";

/** Lines of one kind in one burst, and per second over time. */
const burstLines = 10;
const linesPerSecond = 1;

/**
 * A warning that strangers can cause as often as they like: the lines are bounded, and the next one says how many were
 * left out. The metrics count them all.
 */
export class PacedWarning {
  readonly #logger: Pick<Logger, "warn">;
  readonly #message: string;
  readonly #lines: TokenBucket;
  #suppressed = 0;

  /** @param nowMs - default: this process's own clock */
  constructor(logger: Pick<Logger, "warn">, message: string, nowMs?: () => number) {
    this.#logger = logger;
    this.#message = message;
    const clock = nowMs === undefined ? {} : { nowMs };
    this.#lines = new TokenBucket({ burst: burstLines, perSecond: linesPerSecond, ...clock });
  }

  warn(fields: object): void {
    if (this.#lines.take() > 0) {
      this.#suppressed += 1;
      return;
    }
    const suppressed = this.#suppressed;
    this.#suppressed = 0;
    this.#logger.warn(suppressed === 0 ? fields : { ...fields, suppressed }, this.#message);
  }
}
