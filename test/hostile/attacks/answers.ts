import { withTimeout } from "../../support/wait.ts";

/** Acknowledgements of one connection, by the id that was sent. */
export class Answers {
  readonly #answers = new Map<number, unknown>();
  #onAnswer: () => void = () => undefined;

  readonly take = (id: number, answer: unknown): void => {
    this.#answers.set(id, answer);
    this.#onAnswer();
  };

  has(id: number): boolean {
    return this.#answers.has(id);
  }

  get(id: number): unknown {
    return this.#answers.get(id);
  }

  /** Resolves when all of these have come, or when the connection is over. Throws WaitTimeout. */
  async until(ids: readonly number[], closed: Promise<unknown>, timeoutMs: number): Promise<void> {
    const open = new Set(ids.filter((id) => !this.#answers.has(id)));
    const all = new Promise<void>((resolve) => {
      this.#onAnswer = () => {
        for (const id of open) if (this.#answers.has(id)) open.delete(id);
        if (open.size === 0) resolve();
      };
      this.#onAnswer();
    });
    await withTimeout(Promise.race([all, closed]), `${ids.length} answers, or the end of the connection`, timeoutMs);
  }
}
