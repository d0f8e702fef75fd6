import { pino } from "pino";
import { createClient } from "redis";
import { expect, test } from "vitest";
import { openLinks } from "../../server/src/redis/links.ts";
import { Subscriptions } from "../../server/src/redis/subscriptions.ts";
import { startRedis } from "../support/redis-server.ts";
import { uniquePrefix } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

const quiet = pino({ level: "silent" });

test("subscribing to a channel anew reaches Redis, though node-redis takes it for subscribed, and delivers once", async () => {
  await using redis = await startRedis();
  const links = await openLinks(
    { kind: "single", url: redis.url },
    quiet,
    uniquePrefix(),
    (link) => new Subscriptions({ link, logger: quiet, onMessage: () => undefined }),
  );
  const admin = createClient({ url: redis.url });
  await admin.connect();
  try {
    const channel = uniquePrefix();
    const heard: string[] = [];
    links.subscriptions.sSubscribe(channel, (message) => heard.push(message.toString()));
    await links.subscriptions.confirmed(channel);
    const calls = async (command: string) =>
      Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(await admin.info("commandstats"))?.[1] ?? 0);
    await admin.configResetStat();
    await links.subscriptions.resubscribe(channel);
    expect([await calls("ssubscribe"), await calls("sunsubscribe")]).toEqual([1, 1]);
    for (const message of ["once", "fence"]) await admin.sPublish(channel, message);
    await waitFor(() => heard.includes("fence"), "the second message");
    expect(heard).toEqual(["once", "fence"]);
    links.subscriptions.sUnsubscribe(channel);
    await waitFor(() => links.subscriptions.size === 0, "the end of the subscription");
    expect(await admin.pubSubShardChannels()).toEqual([]);
  } finally {
    await links.close();
    admin.destroy();
  }
});
