import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { createClient } from "redis";
import { expect } from "vitest";
import { Subscriptions } from "../../server/src/broadcast/subscriptions.ts";
import { RedisConnections } from "../../server/src/redis/connections.ts";
import { runScript, script } from "../../server/src/redis/scripts.ts";
import { testWithRedisServer } from "../support/needs.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { uniquePrefix } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

async function openAdmin(redis: RedisServer) {
  const admin = createClient({ url: redis.url });
  await admin.connect();
  return admin;
}

type Admin = Awaited<ReturnType<typeof openAdmin>>;

const quiet = pino({ level: "silent" });
const write = script({}, "return redis.call('SET', KEYS[1], ARGV[1])");
const read = script({ flags: "no-writes,allow-oom" }, "return redis.call('GET', KEYS[1])");

/** Redis saves to a folder that is gone, and from then on refuses what writes, and PING too. */
async function loseTheDisk(admin: Admin): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-lost-"));
  await admin.configSet({ dir: folder, save: "3600 1000000" });
  await rm(folder, { recursive: true });
  await admin.sendCommand(["BGSAVE"]);
  await waitFor(async () => (await admin.info("persistence")).includes("rdb_last_bgsave_status:err"), "a failed save");
}

const refusals = {
  MISCONF: loseTheDisk,
  NOREPLICAS: (admin: Admin) => admin.configSet("min-replicas-to-write", "1"),
};

testWithRedisServer.each(["MISCONF", "NOREPLICAS"] as const)(
  "where Redis refuses writes with %s, reading and subscribing go on, and no link is lost",
  async (refusal) => {
    await using redis = await startRedis({ args: ["--enable-protected-configs", "yes"] });
    const admin = await openAdmin(redis);
    let losses = 0;
    const connections = new RedisConnections({ kind: "single", url: redis.url }, quiet);
    const { commands, subscriber } = connections;
    for (const client of [commands, subscriber]) {
      client.onLost(() => {
        losses += 1;
      });
    }
    const subscriptions = new Subscriptions(subscriber, quiet);
    await connections.open("all", () => Promise.resolve());
    try {
      const key = uniquePrefix();
      await runScript(commands, write, [key], ["kept"]);
      await refusals[refusal](admin);
      await expect(runScript(commands, write, [key], ["refused"])).rejects.toMatchObject({
        code: "UNAVAILABLE",
        message: expect.stringContaining(refusal),
      });
      const calls = async () => {
        const [, carriedOut, rejected] =
          /cmdstat_eval:calls=(\d+),.*rejected_calls=(\d+)/.exec(await admin.info("commandstats")) ?? [];
        return Number(carriedOut) + Number(rejected);
      };
      const before = await calls();
      await waitFor(async () => (await calls()) >= before + 4, "both links to be probed twice");
      expect(await runScript(commands, read, [key], [])).toBe("kept");
      subscriptions.sSubscribe(key, () => undefined);
      await subscriptions.confirmed(key);
      expect(connections.areUp).toBe(true);
      expect(losses).toBe(0);
    } finally {
      await connections.close();
      admin.destroy();
    }
  },
);
