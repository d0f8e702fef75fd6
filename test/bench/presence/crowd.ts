import { cpuMicroseconds } from "../../support/cpu-time.ts";
import { connectRaw } from "../../support/raw-websocket.ts";
import { waitFor } from "../../support/wait.ts";
import { Worker } from "../../support/worker.ts";
import { progress } from "../bench.ts";
import type { Deployment } from "../rig/deployment.ts";
import { type Counts, mergeCounts } from "../rig/histogram.ts";
import { countsBetween, RedisInspector } from "../rig/measure.ts";
import { askRaw } from "./member.ts";
import type { PresenceSwarm } from "./swarm.ts";
import type { PresenceWatcher } from "./watcher.ts";

const PROCESSES = 2;

/** Clients of several processes on all instances of a deployment. */
export interface Crowd extends AsyncDisposable {
  /** Clients that this machine carries, at most as many as were asked for. */
  readonly clients: number;
  readonly swarms: readonly Worker<PresenceSwarm>[];
  /** Connections that are open now. */
  open(): Promise<number>;
  takeNotices(): Promise<Counts>;
}

export async function openCrowd(urls: readonly string[], wanted: number): Promise<Crowd> {
  const swarms = Array.from(
    { length: PROCESSES },
    () => new Worker<PresenceSwarm>(new URL("./swarm.ts", import.meta.url)),
  );
  const sizes = swarms.map((_, index) => Math.floor((wanted + index) / PROCESSES));
  const opened = await Promise.all(
    swarms.map((swarm, index) => swarm.call("connect", { urls, clients: sizes[index] ?? 0 })),
  );
  const clients = opened.reduce((sum, { opened: count }) => sum + count, 0);
  for (const { error } of opened) if (error !== "") progress(`${clients} of ${wanted} clients fit: ${error}`);
  return {
    clients,
    swarms,
    open: async () => (await Promise.all(swarms.map((swarm) => swarm.call("open", null)))).reduce((a, b) => a + b, 0),
    takeNotices: async () => mergeCounts(await Promise.all(swarms.map((swarm) => swarm.call("takeNotices", null)))),
    async [Symbol.asyncDispose]() {
      await Promise.all(swarms.map((swarm) => swarm[Symbol.asyncDispose]()));
    },
  };
}

export interface Storm {
  /** From the first join to the answer to the last one. */
  readonly tookMs: number;
  /** Scripts that Redis ran in a second. */
  readonly scriptsPerSecond: number;
  /** All commands that it carried out in a second, those inside the scripts counted. */
  readonly commandsPerSecond: number;
  /** Cores that were busy; 1 is one core all the time. */
  readonly serversCpu: number;
  readonly redisCpu: number;
}

/** Every client joins one room, evenly over this time. */
export async function joinAll(crowd: Crowd, deployment: Deployment, room: string, overMs: number): Promise<Storm> {
  await using inspector = await new RedisInspector(deployment.redis.url).connect();
  const before = await inspector.commandCounts();
  const serversUs = cpuMicroseconds(deployment.servers);
  const redisUs = cpuMicroseconds([deployment.redis.process]);
  const beganMs = performance.now();
  await Promise.all(crowd.swarms.map((swarm) => swarm.call("join", { rooms: [room], overMs })));
  const tookMs = performance.now() - beganMs;
  const counts = countsBetween(before, await inspector.commandCounts());
  return {
    tookMs,
    scriptsPerSecond: ((counts.get("evalsha") ?? 0) * 1000) / tookMs,
    commandsPerSecond: ([...counts.values()].reduce((a, b) => a + b, 0) * 1000) / tookMs,
    serversCpu: (cpuMicroseconds(deployment.servers) - serversUs) / 1000 / tookMs,
    redisCpu: (cpuMicroseconds([deployment.redis.process]) - redisUs) / 1000 / tookMs,
  };
}

interface Listed {
  readonly firstMs: number;
  readonly wholeMs: number;
  /** Sessions in it. */
  readonly members: number;
}

interface ListAnswer {
  readonly members: readonly { readonly session: string }[];
  readonly cursor?: string;
}

/** Reads the members of a room page by page over one connection, as a client does. */
export async function readWholeList(url: string, room: string): Promise<Listed> {
  using client = await connectRaw(url);
  const sessions = new Set<string>();
  const beganMs = performance.now();
  let firstMs: number | undefined;
  let cursor: string | undefined;
  do {
    const page = await askRaw<ListAnswer>(client, "presence:list", {
      room,
      ...(cursor === undefined ? {} : { cursor }),
    });
    firstMs ??= performance.now() - beganMs;
    for (const { session } of page.members) sessions.add(session);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return { firstMs: firstMs ?? Number.NaN, wholeMs: performance.now() - beganMs, members: sessions.size };
}

/** Some members leave and half of them come back. Resolves with the milliseconds until every watcher knows the number. */
export async function countAfterChurn(
  crowd: Crowd,
  room: string,
  watchers: readonly PresenceWatcher[],
  leave: number,
): Promise<number> {
  const before = watchers[0]?.count ?? 0;
  const join = Math.floor(leave / 2);
  await Promise.all(crowd.swarms.map((swarm) => swarm.call("churn", { room, leave, join })));
  const stoppedMs = performance.now();
  const expected = before - crowd.swarms.length * (leave - join);
  await waitFor(() => watchers.every(({ count }) => count === expected), `a count of ${expected} after churn`, 30_000);
  const tookMs = performance.now() - stoppedMs;
  // Back to where it was, so that the next round begins like this one.
  await Promise.all(crowd.swarms.map((swarm) => swarm.call("rejoin", { room, clients: leave })));
  await waitFor(() => watchers.every(({ count }) => count === before), `a count of ${before} again`, 30_000);
  return tookMs;
}
