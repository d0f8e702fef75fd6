import { createClient } from "redis";

/** What happened in Redis: command name -> calls, those inside scripts included. */
export type CommandCounts = ReadonlyMap<string, number>;

/** A connection that asks Redis about itself. */
export class RedisInspector implements AsyncDisposable {
  readonly #client: ReturnType<typeof createClient>;

  constructor(url: string) {
    this.#client = createClient({ url });
    this.#client.on("error", (error: unknown) => console.error(`redis inspector: ${String(error)}`));
  }

  async connect(): Promise<this> {
    await this.#client.connect();
    return this;
  }

  /** Calls of every command so far. */
  async commandCounts(): Promise<CommandCounts> {
    const text = await this.#client.info("commandstats");
    return new Map(
      [...text.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map(([, name = "", calls]) => [name, Number(calls)]),
    );
  }

  /** Bytes of a key with everything in it; 0 of a key that does not exist. */
  async memoryBytes(key: string): Promise<number> {
    return (await this.#client.memoryUsage(key, { SAMPLES: 0 })) ?? 0;
  }

  /** Bytes of everything that it holds. */
  async usedBytes(): Promise<number> {
    return Number(/^used_memory:(\d+)/m.exec(await this.#client.info("memory"))?.[1]);
  }

  /** Fields of a hash; 0 of a key that does not exist. */
  hashFields(key: string): Promise<number> {
    return this.#client.hLen(key);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.destroy();
  }
}

/** Calls that came in between two counts, without those that did not. */
export function countsBetween(before: CommandCounts, after: CommandCounts): CommandCounts {
  return new Map(
    [...after]
      .map(([name, calls]) => [name, calls - (before.get(name) ?? 0)] as const)
      .filter(([, calls]) => calls > 0),
  );
}

/** The value in the middle; the mean of the two in the middle of an even number. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}
