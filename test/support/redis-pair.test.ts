import { createClient } from "redis";
import { expect, test } from "vitest";
import { redisServerInstalled } from "./installed.ts";
import { RedisPair } from "./redis-pair.ts";
import type { RedisServer } from "./redis-server.ts";

async function ask<Answer>(
  server: RedisServer,
  work: (client: Awaited<ReturnType<typeof open>>) => Promise<Answer>,
): Promise<Answer> {
  const client = await open(server);
  try {
    return await work(client);
  } finally {
    client.destroy();
  }
}

async function open({ url }: RedisServer) {
  const client = createClient({ url });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

const entriesOf = (server: RedisServer) => ask(server, (client) => client.lRange("list", 0, -1));
const push = (server: RedisServer, entry: string) => ask(server, (client) => client.rPush("list", entry));

test.runIf(redisServerInstalled)(
  "a promoted replica has everything, or not what came after replication was stalled",
  async () => {
    await using pair = await RedisPair.start();
    await push(pair.master, "one");
    await pair.attachReplica();
    await push(pair.master, "two");
    const first = await pair.promote(() => pair.replicated());
    await first.kill();
    expect(await entriesOf(pair.master)).toEqual(["one", "two"]);

    await pair.attachReplica();
    pair.stallReplication();
    await push(pair.master, "three");
    await pair.promote(async () => undefined);
    expect(await entriesOf(pair.master)).toEqual(["one", "two"]);
  },
);

test.runIf(redisServerInstalled)("a demoted master keeps its connections, and refuses to be written", async () => {
  await using pair = await RedisPair.start();
  const client = await open(pair.master);
  try {
    await pair.attachReplica();
    await pair.promote(() => pair.replicated());
    const refused = expect(client.rPush("list", "one")).rejects.toThrow("READONLY");
    await pair.demoteOther();
    await refused;
    expect(await client.ping()).toBe("PONG");
  } finally {
    client.destroy();
  }
});
