import { setTimeout as delay } from "node:timers/promises";

const pollMs = 5;
const longestWaitMs = 15_000;

/**
 * Asks again and again until nothing is missing any more. Throws a sentence with what is, when the time is over.
 *
 * @param missing - what still has to happen, each in a few words
 */
export async function untilNothingIsMissing(
  missing: () => readonly string[] | Promise<readonly string[]>,
): Promise<void> {
  const begunMs = performance.now();
  for (let left = await missing(); left.length > 0; left = await missing()) {
    if (performance.now() - begunMs > longestWaitMs) {
      throw new Error(`the test server waited ${longestWaitMs} ms in vain for ${left.join(", ")}`);
    }
    await delay(pollMs);
  }
}
