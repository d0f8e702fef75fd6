import { limits } from "@holdfast/client/protocol";

const betweenMs = 1000 / limits.stateUpdatesPerSecond;

/** The updates of one connection's state in a room, slowed down: of those that come too fast the last one counts. */
export class UpdatePace {
  readonly #write: (stateJson: string) => Promise<unknown>;
  #newest: string | undefined;
  #next: Promise<void> | undefined;
  #writtenAtMs = Number.NEGATIVE_INFINITY;
  #wake: (() => void) | undefined;

  constructor(write: (stateJson: string) => Promise<unknown>) {
    this.#write = write;
  }

  /** Resolves when this state, or a newer one, is stored. */
  update(stateJson: string): Promise<void> {
    this.#newest = stateJson;
    this.#next ??= this.#writeNewest().finally(() => {
      this.#next = undefined;
    });
    return this.#next;
  }

  /** Writes at once what waits. */
  end(): void {
    this.#wake?.();
  }

  async #writeNewest(): Promise<void> {
    while (this.#newest !== undefined) {
      const leftMs = this.#writtenAtMs + betweenMs - performance.now();
      if (leftMs > 0) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, leftMs);
          this.#wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      const stateJson = this.#newest;
      this.#newest = undefined;
      this.#writtenAtMs = performance.now();
      await this.#write(stateJson);
    }
  }
}
