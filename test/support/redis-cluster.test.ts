import { createCluster } from "redis";
import { expect } from "vitest";
import { testWithRedisServer } from "./needs.ts";
import { startRedisCluster } from "./redis-cluster.ts";

testWithRedisServer("a slot moves to another master while its stream grows, and no entry is lost", async () => {
  await using cluster = await startRedisCluster();
  const client = createCluster({ rootNodes: cluster.urls.map((url) => ({ url })) });
  await client.connect();
  try {
    const slot = await cluster.slotOf("{lobby}");
    const from = await cluster.ownerOf(slot);
    const to = (from + 1) % 3;
    for (let index = 0; index < 250; index += 1) await client.set(`{lobby}:${index}`, "kept");

    let moved = false;
    let written = 0;
    const writer = (async () => {
      while (!moved) {
        await client.xAdd("{lobby}:log", "*", { n: String(written) });
        written += 1;
      }
    })();
    await cluster.moveSlot(slot, from, to);
    moved = true;
    await writer;
    await client.xAdd("{lobby}:log", "*", { n: String(written) });

    const entries = await client.xRange("{lobby}:log", "-", "+");
    expect(entries?.map((entry) => Number(entry.message.n))).toEqual(Array.from({ length: written + 1 }, (_, n) => n));
    expect(await client.get("{lobby}:249")).toBe("kept");
    expect(await cluster.ownerOf(slot)).toBe(to);
  } finally {
    client.destroy();
  }
});
