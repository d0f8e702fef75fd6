import { OverLimit } from "../errors.ts";

/** Requests of one connection that are not answered yet: more than a client's outbox and the joins of all its rooms. */
const outstandingRequests = 2_048;
/** Longest delay that a refused request is asked for; random, so that those refused together do not come back together. */
const retryWithinMs = 1_000;

/** Counts the requests of one connection that are under way. */
export class Outstanding {
  #count = 0;

  /** Throws RATE_LIMITED where too many are under way. */
  begin(): void {
    if (this.#count >= outstandingRequests) {
      const retryAfterMs = Math.ceil(Math.random() * retryWithinMs);
      throw new OverLimit("outstanding requests", "RATE_LIMITED", "too many requests wait for an answer", retryAfterMs);
    }
    this.#count += 1;
  }

  end(): void {
    this.#count -= 1;
  }
}
