import { cpuMicroseconds } from "../../support/cpu-time.ts";
import { inspectable } from "../../support/inspector.ts";
import { uniqueRoom } from "../../support/unique.ts";
import { timePasses } from "../../support/wait.ts";
import { progress } from "../bench.ts";
import type { Contestant } from "../rig/contestants.ts";
import { deploy } from "../rig/deployment.ts";
import { type Counts, mergeCounts } from "../rig/histogram.ts";
import { type LoopDelay, watchLoopDelay } from "../rig/loop-delay.ts";
import { type CommandCounts, countsBetween, RedisInspector } from "../rig/measure.ts";
import { type Memory, memoryEach, memoryOf } from "../rig/memory.ts";
import { Clients, SWARMS } from "../rooms/clients.ts";
import { spread } from "../rooms/side.ts";

/** What idle connections cost one instance. */
export interface IdleSide {
  readonly open: number;
  readonly connectSeconds: number;
  readonly joinMs: Counts;
  /** CPU of the server for a connection and its join. */
  readonly usPerJoin: number;
  readonly redisUsPerJoin: number;
  readonly commandsPerJoin: number;
  readonly each: Memory;
  readonly redisBytesEach: number;
  /** CPU in a second in which nothing happens. */
  readonly restUsPerSecond: number;
  readonly restRedisUsPerSecond: number;
  readonly restCommandsPerSecond: number;
  readonly loop: LoopDelay;
}

/** Opens so many connections, members of rooms of so many, lets time pass, and measures. */
export async function measureIdle(
  { kind, name }: Contestant,
  { clients: wanted, members, seconds }: Readonly<Record<"clients" | "members" | "seconds", number>>,
): Promise<IdleSide> {
  await using deployment = await deploy(kind, { instances: 1, nodeArgs: inspectable });
  await using clients = new Clients();
  await using inspector = await new RedisInspector(deployment.redis.url).connect();
  const server = deployment.server(0);
  const [memoryBefore, redisBefore] = [await memoryOf(server), await inspector.usedBytes()];
  progress(`${name}: ${wanted} connections`);
  const commandsBefore = await inspector.commandCounts();
  const redis = deployment.redis.process;
  const [startUs, startRedisUs] = [cpuMicroseconds([server]), cpuMicroseconds([redis])];
  const startMs = performance.now();
  await Promise.all(
    clients.swarms.map((swarm, index) => {
      const own = spread(wanted, SWARMS)[index] ?? 0;
      const rooms = spread(own, Math.max(1, Math.ceil(own / members)));
      return swarm.call(
        "joinAll",
        rooms.map((count) => ({ url: server.url, room: uniqueRoom("idle"), members: count })),
      );
    }),
  );
  const connectSeconds = (performance.now() - startMs) / 1000;
  const usPerJoin = (cpuMicroseconds([server]) - startUs) / wanted;
  const redisUsPerJoin = (cpuMicroseconds([redis]) - startRedisUs) / wanted;
  const commandsPerJoin = total(countsBetween(commandsBefore, await inspector.commandCounts())) / wanted;
  const each = memoryEach(memoryBefore, await memoryOf(server), wanted);
  const redisBytesEach = ((await inspector.usedBytes()) - redisBefore) / wanted;

  progress(`${name}: ${seconds} s of rest`);
  const [readLoop, commands] = [await watchLoopDelay(server), await inspector.commandCounts()];
  const [restUs, restRedisUs] = [cpuMicroseconds([server]), cpuMicroseconds([redis])];
  const restMs = performance.now();
  // The time over which is measured.
  await timePasses(seconds * 1000);
  const restSeconds = (performance.now() - restMs) / 1000;
  const restUsPerSecond = (cpuMicroseconds([server]) - restUs) / restSeconds;
  const restRedisUsPerSecond = (cpuMicroseconds([redis]) - restRedisUs) / restSeconds;
  const sent = total(countsBetween(commands, await inspector.commandCounts()));
  const received = await Promise.all(clients.swarms.map((swarm) => swarm.call("take", null)));
  const open = await Promise.all(clients.swarms.map((swarm) => swarm.call("open", null)));
  return {
    open: open.reduce((sum, count) => sum + count, 0),
    connectSeconds,
    joinMs: mergeCounts(received.map(({ joinMs }) => joinMs)),
    usPerJoin,
    redisUsPerJoin,
    commandsPerJoin,
    each,
    redisBytesEach,
    restUsPerSecond,
    restRedisUsPerSecond,
    restCommandsPerSecond: sent / restSeconds,
    loop: await readLoop(),
  };
}

function total(counts: CommandCounts): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}
