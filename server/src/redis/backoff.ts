/** The first delay before a client that failed is replaced. */
const shortestRestMs = 200;
const longestRestMs = 2_000;
/** A link that was up for this long had found its master: what comes later is a new series. */
const calmAfterMs = 10_000;

/** From once to twice the delay, so that instances do not return in step. */
function aboutMs(delayMs: number): number {
  return delayMs * (1 + Math.random());
}

/** How long a link rests before it tries again, after a client that could not connect. */
export function reconnectDelayMs(): number {
  return aboutMs(shortestRestMs);
}

/**
 * How long a link rests after a server that was no master: not at all the first time, since the name may lead
 * elsewhere by now, and then longer and longer, so that neither a replica nor a flapping name is hammered.
 */
export class WrongServerBackoff {
  #count = 0;

  /** True while no server was misplaced since the link was last up for some time. */
  get isFirst(): boolean {
    return this.#count === 0;
  }

  nextMs(): number {
    const earlier = this.#count;
    this.#count += 1;
    return earlier === 0 ? 0 : aboutMs(Math.min(longestRestMs / 2, shortestRestMs * 2 ** (earlier - 1)));
  }

  /** Is called whenever the link was lost, with how long it had been up. */
  noteLoss(wasUpMs: number): void {
    if (wasUpMs > calmAfterMs) this.#count = 0;
  }
}
