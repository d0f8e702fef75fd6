import { RequestError } from "../errors.ts";
import type { HookContext } from "./application.ts";

/** How long a hook of the application may take before its request is refused. */
const hookTimeoutMs = 5_000;

/**
 * Runs a hook of the application. A RequestError that it throws refuses the request with its code; anything else becomes
 * INTERNAL and is logged by the caller. Throws UNAVAILABLE when the hook takes too long: its signal aborts, and its late
 * result has no effect.
 */
export async function runHook<Result, C>(
  name: string,
  context: Pick<HookContext<C>, "server" | "logger">,
  hook: (context: HookContext<C>) => Result,
): Promise<Awaited<Result>> {
  const abort = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new RequestError("UNAVAILABLE", `the application's ${name} took longer than ${hookTimeoutMs} ms`);
      abort.abort(error);
      reject(error);
    }, hookTimeoutMs);
  });
  try {
    const result = Promise.resolve(hook({ ...context, signal: abort.signal }));
    // A rejection after the time limit has no effect, and must not count as unhandled.
    result.catch(() => undefined);
    return await Promise.race([result, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** Runs what belongs to one key in order, one at a time. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  async take<Result>(key: string, run: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const mine = before.then(run, run);
    this.#last.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.#last.get(key) === mine) this.#last.delete(key);
    }
  }
}
