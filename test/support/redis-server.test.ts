import { createClient } from "redis";
import { expect, test } from "vitest";
import { addedEntry } from "./append-only-file.ts";
import { redisServerInstalled } from "./installed.ts";
import { testWithRedisServer } from "./needs.ts";
import { type RedisKind, startRedis } from "./redis-server.ts";
import { waitFor, withTimeout } from "./wait.ts";

const kinds: RedisKind[] = redisServerInstalled ? ["redis", "valkey"] : ["valkey"];

async function openClient(url: string) {
  const client = createClient({ url });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

test.each(kinds)("a frozen %s answers nothing and, thawed, answers late", async (kind) => {
  await using server = await startRedis({ kind });
  const client = await openClient(server.url);
  try {
    await client.set("key", "value");
    server.freeze();
    const answer = client.get("key");
    await expect(withTimeout(answer, "an answer", 200)).rejects.toThrow("an answer");
    server.thaw();
    expect(await answer).toBe("value");
  } finally {
    client.destroy();
  }
});

test.each(kinds)("a %s restarted without its data is empty, on the same port", async (kind) => {
  await using server = await startRedis({ kind });
  const client = await openClient(server.url);
  try {
    await client.set("key", "value");
    await server.restart({ keepData: false });
    expect(await waitFor(() => client.dbSize().then((size) => `size ${size}`), "the client to be back")).toBe("size 0");
    await expect(server.restart({ keepData: true })).rejects.toThrow("persist");
  } finally {
    client.destroy();
  }
});

testWithRedisServer("a redis-server told to persist keeps every acknowledged write through a kill", async () => {
  await using server = await startRedis({ persist: true });
  const client = await openClient(server.url);
  try {
    for (let index = 0; index < 100; index += 1) await client.xAdd("log", "*", { n: String(index) });
    await server.restart({ keepData: true });
    expect(await waitFor(() => client.xLen("log"), "the client to be back")).toBe(100);
    await server.restart({ keepData: false });
    expect(await waitFor(() => client.dbSize().then((size) => `size ${size}`), "the client to be back")).toBe("size 0");
  } finally {
    client.destroy();
  }
});

testWithRedisServer(
  "a redis-server that is put back to a snapshot has lost what was written after it, and tells what that was",
  async () => {
    await using server = await startRedis({ persist: true });
    const client = await openClient(server.url);
    const add = (count: number) => {
      const script = "for n = 1, ARGV[1] do redis.call('XADD', KEYS[1], 'MAXLEN', '~', 100, '*', 'n', n) end";
      return client.eval(script, { keys: ["log"], arguments: [String(count)] });
    };
    try {
      await add(3);
      const snapshot = await server.snapshot();
      await add(2);
      await server.kill();
      const written = (await server.commandsOnDisk()).flatMap(({ args, endByte }) => {
        const entry = addedEntry(args);
        return entry === undefined ? [] : [{ ...entry, endByte }];
      });
      expect(written.map(({ key, fields }) => `${key} ${fields.n}`)).toEqual([1, 2, 3, 1, 2].map((n) => `log ${n}`));
      await server.rewind(snapshot);
      await server.start();
      const kept = await waitFor(() => client.xRange("log", "-", "+"), "the client to be back");
      const expected = written.filter(({ endByte }) => endByte <= snapshot.bytes).map(({ id }) => id);
      expect(expected).toHaveLength(3);
      expect(kept.map(({ id }) => id)).toEqual(expected);
    } finally {
      client.destroy();
    }
  },
);

test.each(kinds)(
  "a %s that cannot have its port says so instead of standing in for the one that has it",
  async (kind) => {
    await using server = await startRedis({ kind });
    await expect(startRedis({ kind, port: server.port })).rejects.toThrow(/but it ended: .*in use/s);
  },
);

test("the embedded Valkey refuses what only a redis-server can do", async () => {
  await expect(startRedis({ kind: "valkey", persist: true })).rejects.toThrow("expected kind redis");
});
