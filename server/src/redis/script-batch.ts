import { runScript, type Script } from "./scripts.ts";
import type { SupervisedClient } from "./supervised-client.ts";

/** Keys of one call: Redis serves nobody else meanwhile. */
const keysPerCall = 64;

interface Waiting {
  readonly key: string;
  readonly args: readonly string[];
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Runs a script for many keys in one call: those that are asked for before the process does anything else. A call costs the
 * process more than a key does. Where keys are in different slots, each has a call of its own.
 *
 * The script takes as many arguments for each key as are given with it, and returns an array with an answer for each.
 */
export class ScriptBatch {
  readonly #redis: Pick<SupervisedClient, "run">;
  readonly #script: Script;
  #isOneSlot: boolean;
  #waiting: Waiting[] = [];

  /** @param isOneSlot - false in a cluster */
  constructor(redis: Pick<SupervisedClient, "run">, script: Script, isOneSlot: boolean) {
    this.#redis = redis;
    this.#script = script;
    this.#isOneSlot = isOneSlot;
  }

  /** The script's answer for one key. Throws what `run` throws. */
  run(key: string, args: readonly string[] = []): Promise<unknown> {
    return new Promise((resolve, reject) => {
      // After what else is ready to ask.
      if (this.#waiting.length === 0) process.nextTick(() => this.#flush());
      this.#waiting.push({ key, args, resolve, reject });
    });
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    const size = this.#isOneSlot ? keysPerCall : 1;
    for (let from = 0; from < waiting.length; from += size) void this.#call(waiting.slice(from, from + size));
  }

  async #call(some: readonly Waiting[]): Promise<void> {
    const [first, ...others] = some;
    if (first === undefined) return;
    try {
      const keys: [string, ...string[]] = [first.key, ...others.map(({ key }) => key)];
      const answers = await runScript(
        this.#redis,
        this.#script,
        keys,
        some.flatMap(({ args }) => args),
      );
      if (!Array.isArray(answers)) throw new Error(`expected an answer for each of ${some.length} keys`);
      for (const [index, { resolve }] of some.entries()) resolve(answers[index] ?? null);
    } catch (error) {
      if (others.length > 0 && isAboutSlots(error)) {
        // One address may lead to a cluster, through a proxy.
        this.#isOneSlot = false;
        for (const one of some) void this.#call([one]);
      } else for (const { reject } of some) reject(error);
    }
  }
}

/** Redis says CROSSSLOT; proxies have words of their own for it. */
function isAboutSlots(error: unknown): boolean {
  return error instanceof Error && /slot/i.test(error.message);
}
