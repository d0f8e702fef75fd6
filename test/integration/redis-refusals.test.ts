import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { createClient } from "redis";
import { expect, test } from "vitest";
import { openLinks } from "../../server/src/redis/links.ts";
import { runScript, script } from "../../server/src/redis/scripts.ts";
import { Subscriptions } from "../../server/src/redis/subscriptions.ts";
import { type RedisServer, redisServerInstalled, startRedis } from "../support/redis-server.ts";
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

test.runIf(redisServerInstalled).each(["MISCONF", "NOREPLICAS"] as const)(
  "where Redis refuses writes with %s, reading and subscribing go on, and no link is lost",
  async (refusal) => {
    await using redis = await startRedis({ args: ["--enable-protected-configs", "yes"] });
    const admin = await openAdmin(redis);
    let losses = 0;
    const links = await openLinks({ kind: "single", url: redis.url }, quiet, uniquePrefix(), (link) => {
      link.onLost(() => {
        losses += 1;
      });
      return new Subscriptions({ link, logger: quiet, onMessage: () => undefined });
    });
    links.commands.onLost(() => {
      losses += 1;
    });
    try {
      const key = uniquePrefix();
      await runScript(links.commands, write, [key], ["kept"]);
      await refusals[refusal](admin);
      await expect(runScript(links.commands, write, [key], ["refused"])).rejects.toMatchObject({
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
      expect(await runScript(links.commands, read, [key], [])).toBe("kept");
      links.subscriptions.sSubscribe(key, () => undefined);
      await links.subscriptions.confirmed(key);
      expect(links.areUp).toBe(true);
      expect(losses).toBe(0);
    } finally {
      await links.close();
      admin.destroy();
    }
  },
);
