import { pick, type Random, seededRandom } from "../../support/random.ts";
import { startRedis } from "../../support/redis-server.ts";
import { uniquePrefix } from "../../support/unique.ts";
import { waitFor } from "../../support/wait.ts";
import { Cast } from "./cast.ts";
import { Instance } from "./instance.ts";
import { Line } from "./line.ts";
import { planFaults } from "./plan.ts";
import { startRecorder } from "./recorder.ts";
import type { Report } from "./report.ts";
import { readServed } from "./served.ts";
import { reachVerdict } from "./verdict.ts";
import { Weather } from "./weather.ts";

const INSTANCES = 3;
const CLIENTS = 30;
/** The first so many clients publish. They are never closed, so that every publish has an outcome. */
const PUBLISHERS = 8;
const ROOMS = ["harbour", "quay", "pier", "lighthouse"];
const BALANCER_MS = 20;
/** Every instance must be healthy again within this. */
const REPAIR_MS = 30_000;
/**
 * Every publish must be settled, and then every fence be everywhere, within this: the longest waits on the way are a
 * connection attempt (20 s) and the periodic position check that finds a lost last message (15 s).
 */
const HEAL_MS = 45_000;
/** Every connection is told to move at 10 to 15 s of age, so that moves happen in bad weather too. */
const CONNECTION_LIFETIME_SECONDS = 20;

export interface RunOptions {
  readonly seed: number;
  readonly seconds: number;
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
async function runOn({ seed, seconds }: RunOptions, keep: <Part extends AsyncDisposable>(part: Part) => Part) {
  const keyPrefix = uniquePrefix();
  const redis = keep(await startRedis({ kind: "redis", persist: true }));
  const env = {
    KEY_PREFIX: keyPrefix,
    HISTORY_MAX_MESSAGES: "1000000",
    DRAIN_SECONDS: "1",
    FUNCTION_TIMEOUT_SECONDS: String(CONNECTION_LIFETIME_SECONDS),
    LOG_LEVEL: "debug",
  };
  const instances = await Promise.all(numbers(INSTANCES).map((number) => Instance.start(number, redis.port, env)));
  instances.forEach(keep);
  const recorder = keep(await startRecorder([redis.url], ROOMS, (room) => `${keyPrefix}:{${room}}:log`));
  const clientLines = await Promise.all(numbers(CLIENTS).map((client) => Line.open(instances[0]?.port ?? 0, client)));
  clientLines.forEach(keep);
  const balancer = setInterval(() => route(clientLines, instances, Math.random), BALANCER_MS);
  keep({ [Symbol.asyncDispose]: async () => clearInterval(balancer) });

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
  const weather = new Weather({ redis, instances, clientLines, cast, recorder });
  const shape = { seed, seconds, clients: CLIENTS, firstReturningClient: PUBLISHERS, instances: INSTANCES };
  await weather.run(planFaults(shape), seconds * 1000);
  const clearedMs = performance.now();
  stopPublishing.abort();
  await Promise.all(publishing);

  await Promise.all(instances.map(isHealthy));
  await cast.settled(HEAL_MS);
  await cast.fence(HEAL_MS);
  const healedAfterMs = performance.now() - clearedMs;
  await recorder.complete();
  const rooms = await Promise.all(
    ROOMS.map(async (room) => ({
      room,
      lives: recorder.lives(room),
      served: await readServed(`http://127.0.0.1:${instances[0]?.port}`, room),
    })),
  );
  const history = {
    rooms,
    memberships: cast.memberships,
    publishes: cast.publishes.map((publish) => ({ ...publish })),
    instanceEndsMs: weather.instanceEndsMs,
  };
  return {
    seed,
    seconds,
    happened: weather.happened,
    cutConnections: weather.cutConnections,
    cast: cast.counts,
    history,
    healedAfterMs,
    crashes: instances.flatMap(({ crashes }) => crashes),
    problems: reachVerdict(history).problems,
    instanceOutputs: instances.map(({ output }) => output),
  };
}

/** As a load balancer without affinity: the next connection of each client goes to any instance that seems to live. */
function route(lines: readonly Line[], instances: readonly Instance[], random: Random): void {
  const routed = instances.filter(({ isRouted }) => isRouted);
  for (const line of lines) line.targetPort = pick(random, routed)?.port ?? 1;
}

async function isHealthy(instance: Instance, number: number): Promise<void> {
  await waitFor(async () => (await instance.healthStatus()) === 200, `instance ${number} to be healthy`, REPAIR_MS);
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, number) => number);
}
