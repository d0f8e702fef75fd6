import { pino } from "pino";
import { createClient } from "redis";
import { expect, test } from "vitest";
import { Subscriptions } from "../../server/src/broadcast/subscriptions.ts";
import { RedisConnections } from "../../server/src/redis/connections.ts";
import { startRedis } from "../support/redis-server.ts";
import { uniquePrefix } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

const quiet = pino({ level: "silent" });

test("subscribing to a channel anew reaches Redis, though node-redis takes it for subscribed, and delivers once", async () => {
  await using redis = await startRedis();
  const connections = new RedisConnections({ kind: "single", url: redis.url }, quiet);
  const subscriptions = new Subscriptions(connections.subscriber, quiet);
  await connections.open("all", () => Promise.resolve());
  const admin = createClient({ url: redis.url });
  await admin.connect();
  try {
    const channel = uniquePrefix();
    const heard: string[] = [];
    subscriptions.sSubscribe(channel, (message) => heard.push(message.toString()));
    await subscriptions.confirmed(channel);
    const calls = async (command: string) =>
      Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(await admin.info("commandstats"))?.[1] ?? 0);
    await admin.configResetStat();
    await subscriptions.resubscribe(channel);
    expect([await calls("ssubscribe"), await calls("sunsubscribe")]).toEqual([1, 1]);
    for (const message of ["once", "fence"]) await admin.sPublish(channel, message);
    await waitFor(() => heard.includes("fence"), "the second message");
    expect(heard).toEqual(["once", "fence"]);
    subscriptions.sUnsubscribe(channel);
    await waitFor(() => subscriptions.size === 0, "the end of the subscription");
    expect(await admin.pubSubShardChannels()).toEqual([]);
  } finally {
    await connections.close();
    admin.destroy();
  }
});
