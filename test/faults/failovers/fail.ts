import { setTimeout as delay } from "node:timers/promises";
import type { Failover } from "./plan-failovers.ts";
import type { Stage } from "./stage.ts";

const NOBODYS_PORT = 1;

/** Makes one failover happen; resolves when every instance may reach Redis again. */
export async function fail(failover: Failover, stage: Stage): Promise<void> {
  if (failover.kind === "restart") await restart(failover, stage);
  else await promote(failover, stage);
  await Promise.all(
    stage.instances.map(async ({ redisLine }, number) => {
      await delay(failover.lateMs[number] ?? 0);
      if (redisLine !== undefined) redisLine.targetPort = stage.pair.master.port;
    }),
  );
}

/** Redis dies, and comes back with what its disk had when the moment began. */
async function restart(failover: Failover, stage: Stage): Promise<void> {
  const { pair, recorder } = stage;
  const { master } = pair;
  const snapshot = await master.snapshot();
  await stage.acknowledges(failover.losing ?? 0);
  recorder.pause();
  const atMs = performance.now();
  closeLines(failover, stage);
  await master.kill();
  const commands = await master.commandsOnDisk();
  if (failover.losing === undefined) recorder.ended(commands);
  else {
    recorder.rewound(commands, snapshot, atMs);
    await master.rewind(snapshot);
  }
  await delay(failover.downMs);
  await master.start();
  recorder.resume();
}

/** A replica takes the place of the master; what it has missed is lost. */
async function promote(failover: Failover, stage: Stage): Promise<void> {
  const { pair, recorder } = stage;
  await pair.attachReplica();
  if (failover.losing !== undefined) {
    pair.stallReplication();
    await stage.acknowledges(failover.losing);
  }
  let atMs = 0;
  const old = await pair.promote(async () => {
    if (failover.losing === undefined) await pair.replicated();
    await recorder.complete();
    recorder.pause();
    atMs = performance.now();
  });
  await recorder.replaced([pair.master.url], atMs);
  closeLines(failover, stage);
  if (failover.oldMaster === "dies") await old.kill();
  else await pair.demoteOther();
  recorder.resume();
}

/** New connections to Redis lead nowhere until the failover is over, and some publishers lose theirs. */
function closeLines({ cut }: Failover, { instances, publisherLines }: Stage): void {
  for (const client of cut) publisherLines[client]?.cut();
  for (const { redisLine } of instances) if (redisLine !== undefined) redisLine.targetPort = NOBODYS_PORT;
}
