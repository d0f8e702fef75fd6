import { setTimeout as delay } from "node:timers/promises";

export const DEFAULT_WAIT_MS = 10_000;
const POLL_MS = 10;

/** A wait that was in vain; `waitedFor` says for what. */
export class WaitTimeout extends Error {
  readonly waitedFor: string;

  constructor(waitedFor: string, timeoutMs: number, detail = "") {
    super(`waited ${timeoutMs} ms for ${waitedFor}${detail === "" ? "" : `; ${detail}`}`);
    this.name = "WaitTimeout";
    this.waitedFor = waitedFor;
  }
}

type Falsy = false | null | undefined | 0 | "";

/**
 * Asks `condition` every 10 ms until it answers with something truthy, and gives that back. An error that it throws
 * counts as "not yet" and is the cause of the time-out's error.
 *
 * @param what - completes the sentence "waited 10000 ms for …"
 * @throws WaitTimeout when the time is over
 */
export async function waitFor<Value>(
  condition: () => Value | Promise<Value>,
  what: string,
  timeoutMs = DEFAULT_WAIT_MS,
): Promise<Exclude<Value, Falsy>> {
  const deadline = performance.now() + timeoutMs;
  let lastError: unknown;
  for (;;) {
    try {
      const leftMs = Math.max(1, deadline - performance.now());
      const value = await withTimeout(Promise.resolve(condition()), what, leftMs);
      lastError = undefined;
      if (value) return value as Exclude<Value, Falsy>;
    } catch (error) {
      if (!(error instanceof WaitTimeout)) lastError = error;
    }
    if (performance.now() >= deadline) {
      const timeout = new WaitTimeout(what, timeoutMs, lastError === undefined ? "" : `last error: ${lastError}`);
      timeout.cause = lastError;
      throw timeout;
    }
    await delay(POLL_MS);
  }
}

/**
 * Lets time pass where a scene is made of time itself: a pause that must outlast a setting, a bill that grows by the
 * second, a span in which something must not happen. It never stands for "by then it will have happened"; that is what
 * `waitFor` is for. Each call says in a comment what the time is for.
 */
export async function timePasses(durationMs: number): Promise<void> {
  await delay(durationMs);
}

/**
 * Resolves with what `read` gives as soon as that has stayed the same for `forMs`: for what ends by coming to a halt,
 * and has no other sign of its end.
 */
export async function standsStill<Value>(
  read: () => Promise<Value>,
  { forMs, what, timeoutMs }: { readonly forMs: number; readonly what: string; readonly timeoutMs?: number },
): Promise<Value> {
  let last = { value: await read(), sinceMs: performance.now() };
  await waitFor(
    async () => {
      const value = await read();
      if (value !== last.value) last = { value, sinceMs: performance.now() };
      return performance.now() - last.sinceMs >= forMs;
    },
    what,
    timeoutMs,
  );
  return last.value;
}

/**
 * The promise's own outcome, or WaitTimeout when that takes longer than `timeoutMs`. The promise itself goes on;
 * an error of it that comes too late is swallowed here, as the time-out has been reported.
 */
export function withTimeout<Value>(
  promise: PromiseLike<Value>,
  what: string,
  timeoutMs = DEFAULT_WAIT_MS,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new WaitTimeout(what, timeoutMs)), timeoutMs);
    promise.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
