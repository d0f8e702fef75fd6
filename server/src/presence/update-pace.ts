import { limits } from "@holdfast/client/protocol";
import type { RequestError } from "../errors.ts";

const betweenMs = 1000 / limits.stateUpdatesPerSecond;

/** Limits how often one connection changes its state in a room: of updates that come too fast the last one is stored. */
export class UpdatePace {
  readonly #write: (stateJson: string) => Promise<unknown>;
  #newest: string | undefined;
  #next: Promise<void> | undefined;
  #writtenAtMs = Number.NEGATIVE_INFINITY;
  #wake: (() => void) | undefined;
  #dropped: RequestError | undefined;

  constructor(write: (stateJson: string) => Promise<unknown>) {
    this.#write = write;
  }

  get isWaiting(): boolean {
    return this.#newest !== undefined;
  }

  /** Resolves when this state, or a newer one, is stored, or when it was dropped. */
  update(stateJson: string): Promise<void> {
    this.#newest = stateJson;
    this.#next ??= this.#writeNewest().finally(() => {
      this.#next = undefined;
    });
    return this.#next;
  }

  /** Drops the update that waits. It rejects with the reason, or resolves where there is none. */
  drop(reason?: RequestError): void {
    if (this.#newest === undefined) return;
    this.#newest = undefined;
    this.#dropped = reason;
    this.#wake?.();
  }

  async #writeNewest(): Promise<void> {
    while (this.#newest !== undefined) {
      const leftMs = this.#writtenAtMs + betweenMs - performance.now();
      if (leftMs > 0) await this.#pause(leftMs);
      const stateJson = this.#newest;
      if (stateJson === undefined) {
        if (this.#dropped !== undefined) throw this.#dropped;
        return;
      }
      this.#newest = undefined;
      this.#writtenAtMs = performance.now();
      await this.#write(stateJson);
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
