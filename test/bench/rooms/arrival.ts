import { waitFor } from "../../support/wait.ts";

const QUIET_MS = 5_000;

/** Waits until all have arrived, or until for a while nothing more did: what is missing then is a result. */
export async function arrival(delivered: () => Promise<number>, expected: number): Promise<void> {
  let last = { count: -1, atMs: performance.now() };
  await waitFor(
    async () => {
      const count = await delivered();
      if (count !== last.count) last = { count, atMs: performance.now() };
      return count >= expected || performance.now() - last.atMs > QUIET_MS;
    },
    "the messages to arrive",
    300_000,
  );
}
