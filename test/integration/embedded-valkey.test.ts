import { createClient } from "redis";
import { expect, test } from "vitest";
import { startEmbeddedValkey } from "../../server/src/redis/embedded.ts";
import { percentile } from "../support/tally.ts";

test("the embedded Valkey answers without waiting for its timer", async () => {
  const valkey = await startEmbeddedValkey();
  const client = createClient({ url: valkey.url });
  await client.connect();
  try {
    const delaysMs: number[] = [];
    for (let index = 0; index < 50; index += 1) {
      const startedMs = performance.now();
      await client.eval("return redis.call('INCR', KEYS[1])", { keys: ["counter"] });
      delaysMs.push(performance.now() - startedMs);
    }
    expect(await client.get("counter")).toBe("50");
    expect(percentile(delaysMs, 0.5)).toBeLessThan(20);
  } finally {
    client.destroy();
    await valkey.stop();
  }
});

test("embedded Valkeys that start at the same time leave WebAssembly as it was", async () => {
  const { instantiate } = WebAssembly;
  const valkeys = await Promise.all([startEmbeddedValkey(), startEmbeddedValkey(), startEmbeddedValkey()]);
  await Promise.all(valkeys.map((valkey) => valkey.stop()));
  expect(WebAssembly.instantiate).toBe(instantiate);
});
