import { holderOf } from "../auth/holder.ts";
import { OverLimit } from "../errors.ts";
import type { Caller } from "./caller.ts";

/** Requests of one connection that wait for the application's hooks, and their bytes. */
const waitingPerConnection = 2_048;
const waitingBytesPerConnection = 4 * 1024 * 1024;
/** The same for all connections of an instance. */
const waitingPerInstance = 16_384;
const waitingBytesPerInstance = 64 * 1024 * 1024;
/** Longest delay that a refused request is told; random, so that those refused together do not come back together. */
const retryWithinMs = 1_000;

interface Load {
  count: number;
  bytes: number;
}

/**
 * Bounds what waits for the application: for `authorize`, for `beforePublish`, and in line behind others that do. What an
 * application is slow about would otherwise pile up in memory as fast as clients can send it.
 */
export class WaitingRequests {
  readonly #byOwner = new Map<string, Load>();
  readonly #all: Load = { count: 0, bytes: 0 };

  /** Runs what may wait for the application. Throws RATE_LIMITED at once where too much waits already. */
  async run<Result>(owner: Owner, bytes: number, run: () => Promise<Result>): Promise<Result> {
    const key = ownerKey(owner);
    const own = this.#byOwner.get(key) ?? { count: 0, bytes: 0 };
    if (own.count >= waitingPerConnection || (own.count > 0 && own.bytes + bytes > waitingBytesPerConnection)) {
      throw tooMany("of this connection");
    }
    if (this.#all.count >= waitingPerInstance || this.#all.bytes + bytes > waitingBytesPerInstance) {
      throw tooMany("on this instance");
    }
    this.#byOwner.set(key, own);
    for (const load of [own, this.#all]) {
      load.count += 1;
      load.bytes += bytes;
    }
    try {
      return await run();
    } finally {
      for (const load of [own, this.#all]) {
        load.count -= 1;
        load.bytes -= bytes;
      }
      if (own.count === 0) this.#byOwner.delete(key);
    }
  }
}

type Owner = Pick<Caller, "connection" | "from">;

/** What comes over HTTP has no connection, and is counted by its user. */
function ownerKey({ connection, from }: Owner): string {
  return connection === "" ? holderOf(from) : `connection ${connection}`;
}

function tooMany(whose: string): OverLimit {
  const retryAfterMs = Math.ceil(Math.random() * retryWithinMs);
  const message = `too many requests ${whose} wait for the application`;
  return new OverLimit("waiting requests", "RATE_LIMITED", message, retryAfterMs);
}
