import type { Sample } from "./sample.ts";

/** Who has read nothing for so long is not there any more. */
const patienceMs = 30_000;

/** Somebody who watches: what is told waits here until it can be sent. */
export class Watcher {
  #waiting: Sample[] = [];
  #tookAtMs = performance.now();
  #isEnded = false;
  #wake: () => void = () => undefined;

  /** False for a watcher that is not there any more. */
  tell(sample: Sample): boolean {
    if (performance.now() - this.#tookAtMs > patienceMs && this.#waiting.length > 0) return false;
    this.#waiting.push(sample);
    this.#wake();
    return true;
  }

  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  /**
   * Calls back with all that waits, one call after the other, until the watcher is ended; first with nothing, so that it
   * learns at once that it is served.
   */
  async send(write: (samples: readonly Sample[]) => Promise<unknown>): Promise<void> {
    for (let samples: readonly Sample[] | undefined = []; samples !== undefined; samples = await this.#next()) {
      await this.#unlessEnded(write(samples));
    }
  }

  /** All that waits, as soon as there is something; undefined at the end. */
  async #next(): Promise<readonly Sample[] | undefined> {
    if (this.#waiting.length === 0 && !this.#isEnded) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const samples = this.#waiting;
    this.#waiting = [];
    this.#tookAtMs = performance.now();
    return this.#isEnded ? undefined : samples;
  }

  /** Waits for a write, which may never end where nobody reads. */
  #unlessEnded(written: Promise<unknown>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#wake = () => {
        if (this.#isEnded) resolve();
      };
      written.then(() => resolve(), reject);
    });
  }
}
