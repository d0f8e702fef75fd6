import { createClient } from "redis";
import { expect, test } from "vitest";
import { FakeClock, fakeClockInstalled } from "./fake-clock.ts";
import { redisServerInstalled } from "./installed.ts";
import { ManagedProcess } from "./managed-process.ts";
import { startRedis } from "./redis-server.ts";
import { waitFor } from "./wait.ts";

const HOUR_MS = 3_600_000;
/** Far more than a process takes to answer, and far less than the steps. */
const TOLERANCE_MS = 60_000;

test.runIf(fakeClockInstalled && redisServerInstalled)(
  "a Redis lives by a clock that is set while it runs",
  async () => {
    await using clock = await FakeClock.create();
    await using server = await startRedis({ persist: true, clock });
    const client = createClient({ url: server.url });
    await client.connect();
    const aheadMs = async () => Number((await client.sendCommand<string[]>(["TIME"]))[0]) * 1000 - Date.now();
    try {
      for (const offsetMs of [0, -HOUR_MS, 5_500 + HOUR_MS]) {
        await clock.set(offsetMs);
        expect(Math.abs((await aheadMs()) - offsetMs)).toBeLessThan(TOLERANCE_MS);
        // Its timers go on: a key that lives for a moment by the new clock is gone after that moment.
        await client.set("key", "value", { expiration: { type: "PX", value: 50 } });
        await waitFor(async () => (await client.exists("key")) === 0, "the key to expire");
      }
    } finally {
      client.destroy();
    }
  },
);

test.runIf(fakeClockInstalled)("a Node.js process lives by it too, and its timers do not", async () => {
  await using clock = await FakeClock.create();
  const script = "setInterval(() => console.log(Date.now()), 10)";
  const env = { PATH: process.env.PATH, ...clock.env };
  await using child = new ManagedProcess({ command: process.execPath, args: ["-e", script], env });
  const told = () => Number(child.output.trimEnd().split("\n").at(-1));
  const tells = (offsetMs: number) =>
    waitFor(() => Math.abs(told() - Date.now() - offsetMs) < TOLERANCE_MS, `a clock ${offsetMs} ms ahead`);
  await tells(0);
  await clock.set(-HOUR_MS);
  await tells(-HOUR_MS);
  await clock.set(HOUR_MS);
  await tells(HOUR_MS);
});
