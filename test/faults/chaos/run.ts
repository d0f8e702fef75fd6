import { FakeClock, fakeClockInstalled } from "../../support/fake-clock.ts";
import { pick, type Random, seededRandom } from "../../support/random.ts";
import { uniquePrefix } from "../../support/unique.ts";
import { waitFor } from "../../support/wait.ts";
import { Cast, type CastCounts } from "./cast.ts";
import { ClusterWeather } from "./cluster-weather.ts";
import type { Fault } from "./fault.ts";
import type { History } from "./history.ts";
import { type Crash, Instance } from "./instance.ts";
import { Line } from "./line.ts";
import { PairWeather } from "./pair-weather.ts";
import { planFaults } from "./plan.ts";
import { startRecorder } from "./recorder.ts";
import { readServed } from "./served.ts";
import { fillRoom } from "./strangers.ts";
import { whenLossesAreTold } from "./told-losses.ts";
import type { Verdict } from "./verdict.ts";
import { Weather } from "./weather.ts";

const INSTANCES = 3;
const CLIENTS = 30;
/** The first so many clients publish. They are never closed, so that every publish has an outcome. */
const PUBLISHERS = 8;
const ROOMS = ["harbour", "quay", "pier", "lighthouse"];
/** Strangers read this room, and nobody else. */
const BALLAST = "ballast";
const CLUSTER_NODES = 3;
const BALANCER_MS = 20;
const MEASURE_MS = 200;
/** Every instance must be healthy again within this. */
const REPAIR_MS = 30_000;
/**
 * Every publish must be settled, and then every fence be everywhere, within this: the longest waits on the way are a
 * connection attempt (20 s) and the periodic position check that finds a lost last message (15 s).
 */
const HEAL_MS = 45_000;
/** Every connection is told to move at 10 to 15 s of age, so that moves happen in bad weather too. */
const CONNECTION_LIFETIME_SECONDS = 20;
/** Ids are remembered for this long at least, and for twice as long at most. */
const DEDUP_SECONDS = 120;
const LONG_FREEZE_MS = 2 * DEDUP_SECONDS * 1000 + 10_000;

export interface RunOptions {
  readonly seed: number;
  readonly seconds: number;
  /** On a Redis Cluster; default false: on a Redis with a replica. */
  readonly isCluster?: boolean;
  /** Freeze an instance for longer than ids are remembered; takes at least 5 minutes. */
  readonly isLong?: boolean;
}

export interface Report {
  readonly options: RunOptions;
  readonly happened: ReadonlyMap<Fault["kind"], number>;
  readonly cutConnections: number;
  /** The most that an instance was seen to use. */
  readonly largestMemoryBytes: number;
  readonly cast: CastCounts;
  readonly history: History;
  /** From the end of the bad weather until every publish was settled and every member had the fence. */
  readonly healedAfterMs: number;
  readonly crashes: readonly Crash[];
  readonly verdict: Verdict;
  /** Everything that the instances printed, for a reader who looks for a cause. */
  readonly instanceOutputs: readonly string[];
}

/** Bad weather for `seconds`, then good weather, then the verdict. */
export async function runChaos(options: RunOptions): Promise<Report> {
  const opened: AsyncDisposable[] = [];
  try {
    return await runOn(options, (part) => {
      opened.push(part);
      return part;
    });
  } finally {
    for (const part of opened.reverse()) await part[Symbol.asyncDispose]();
  }
}

/** `keep` takes what has to be disposed of when the run is over, and gives it back. */
async function runOn(options: RunOptions, keep: <Part extends AsyncDisposable>(part: Part) => Part): Promise<Report> {
  const { seed, seconds, isCluster = false, isLong = false } = options;
  const keyPrefix = uniquePrefix();
  const logKey = (room: string) => `${keyPrefix}:{${room}}:log`;
  const redis = keep(isCluster ? await ClusterWeather.start(ROOMS, logKey) : await PairWeather.start());
  const env = {
    KEY_PREFIX: keyPrefix,
    HISTORY_MAX_MESSAGES: "1000000",
    PUBLISH_DEDUP_SECONDS: String(DEDUP_SECONDS),
    DRAIN_SECONDS: "1",
    FUNCTION_TIMEOUT_SECONDS: String(CONNECTION_LIFETIME_SECONDS),
    LOG_LEVEL: "debug",
    REDIS_URL: redis.urls.join(","),
  };
  const redisPort = redis instanceof PairWeather ? redis.masterPort : undefined;
  const start = async (number: number) => {
    const clock = fakeClockInstalled ? await FakeClock.create() : undefined;
    return keep(await Instance.start({ number, env, redisPort, clock }));
  };
  const instances = await Promise.all(numbers(INSTANCES).map(start));
  if (redis instanceof PairWeather) redis.lead(instances);
  const recorder = keep(await startRecorder(redis.urls, ROOMS, logKey));
  const clientLines = await Promise.all(numbers(CLIENTS).map((client) => Line.open(instances[0]?.port ?? 0, client)));
  clientLines.forEach(keep);
  keep(every(BALANCER_MS, () => route(clientLines, instances, Math.random)));
  keep(
    every(MEASURE_MS, () => {
      for (const instance of instances) instance.measure();
    }),
  );
  await fillRoom(`http://127.0.0.1:${instances[0]?.port}`, BALLAST);

  const cast = keep(
    new Cast(
      clientLines.map(({ port }) => `http://127.0.0.1:${port}`),
      ROOMS,
    ),
  );
  await cast.joined();
  const stopPublishing = new AbortController();
  const publishing = numbers(PUBLISHERS).map((client) =>
    cast.publishUntil(stopPublishing.signal, client, seededRandom(seed + client)),
  );
  const weather = new Weather({ redis, instances, clientLines, cast, recorder, rooms: ROOMS, ballast: BALLAST });
  const plan = planFaults({
    seed,
    seconds,
    clients: CLIENTS,
    firstReturningClient: PUBLISHERS,
    instances: INSTANCES,
    rooms: ROOMS.length,
    nodes: isCluster ? CLUSTER_NODES : 1,
    ...(isLong && { longFreezeMs: LONG_FREEZE_MS }),
  });
  await weather.run(plan, seconds * 1000);
  const clearedMs = performance.now();
  stopPublishing.abort();
  await Promise.all(publishing);

  await Promise.all(instances.map(isHealthy));
  await cast.settled(HEAL_MS);
  await cast.fence(HEAL_MS);
  const healedAfterMs = performance.now() - clearedMs;
  const url = `http://127.0.0.1:${instances[0]?.port}`;
  const { history, verdict } = await whenLossesAreTold(async () => {
    await recorder.complete();
    const read = async (room: string) => ({ room, lives: recorder.lives(room), served: await readServed(url, room) });
    return {
      rooms: await Promise.all(ROOMS.map(read)),
      memberships: cast.memberships,
      publishes: cast.publishes.map((publish) => ({ ...publish })),
      instanceEndsMs: weather.instanceEndsMs,
    };
  });
  return {
    options,
    happened: weather.happened,
    cutConnections: weather.cutConnections,
    largestMemoryBytes: Math.max(...instances.map(({ largestMemoryBytes }) => largestMemoryBytes)),
    cast: cast.counts,
    history,
    healedAfterMs,
    crashes: instances.flatMap(({ crashes }) => crashes),
    verdict,
    instanceOutputs: instances.map(({ output }) => output),
  };
}

/** As a load balancer without affinity: the next connection of each client goes to any instance that seems to live. */
function route(lines: readonly Line[], instances: readonly Instance[], random: Random): void {
  const routed = instances.filter(({ isRouted }) => isRouted);
  for (const line of lines) line.targetPort = pick(random, routed)?.port ?? 1;
}

async function isHealthy(instance: Instance, number: number): Promise<void> {
  await waitFor(async () => (await instance.readyStatus()) === 200, `instance ${number} to be healthy`, REPAIR_MS);
}

function every(intervalMs: number, work: () => void): AsyncDisposable {
  const timer = setInterval(work, intervalMs);
  return { [Symbol.asyncDispose]: async () => clearInterval(timer) };
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, number) => number);
}
