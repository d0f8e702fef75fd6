import { setTimeout as delay } from "node:timers/promises";
import { seededRandom } from "../../support/random.ts";
import { uniquePrefix, uniqueRoom } from "../../support/unique.ts";
import { waitFor } from "../../support/wait.ts";
import { Cast, type CastCounts } from "../chaos/cast.ts";
import type { History } from "../chaos/history.ts";
import { type Crash, Instance } from "../chaos/instance.ts";
import { type Recorder, startRecorder } from "../chaos/recorder.ts";
import { readServed } from "../chaos/served.ts";
import { reachVerdict, type Verdict } from "../chaos/verdict.ts";
import { Absences } from "./absences.ts";
import { type Failover, type FailoverPlanOptions, planFailovers } from "./plan-failovers.ts";
import { RedisPair } from "./redis-pair.ts";

const INSTANCES = 3;
const PUBLISHERS = 4;
const STAYERS = 4;
const ROAMERS = 4;
const ROOMS = 3;
/** Within this a publisher gets through again. */
const WORKS_AGAIN_MS = 60_000;
const HEAL_MS = 60_000;
/** The periodic check, by which the last instance that knew of a loss reports it, and some more. */
const REPORT_MS = 20_000;

export interface FailoverOptions {
  readonly seed: number;
  readonly count: number;
  /** What may become of a master whose place was taken. */
  readonly oldMasters: FailoverPlanOptions["oldMasters"];
  /** What the instances run with beside the address of Redis. */
  readonly env?: Readonly<Record<string, string>>;
  readonly log?: (line: string) => void;
}

/** Failovers of one sort, and what everybody saw. */
export interface FailoverPhase {
  readonly isLossy: boolean;
  readonly failovers: number;
  readonly history: History;
  readonly verdict: Verdict;
  readonly cast: CastCounts;
  /** From the last failover until everything was settled and every loss was told. */
  readonly healedAfterMs: number;
  readonly tookMs: number;
}

export interface FailoverReport {
  readonly seed: number;
  readonly count: number;
  readonly phases: readonly FailoverPhase[];
  readonly crashes: readonly Crash[];
  readonly instanceOutputs: readonly string[];
}

/** So many failovers that lose the last moment, and then as many that lose nothing, on one Redis and three instances. */
export async function runFailovers(options: FailoverOptions): Promise<FailoverReport> {
  await using pair = await RedisPair.start();
  const keyPrefix = uniquePrefix();
  const env = { KEY_PREFIX: keyPrefix, HISTORY_MAX_MESSAGES: "1000000", LOG_LEVEL: "debug", ...options.env };
  const instances: Instance[] = [];
  try {
    for (let number = 0; number < INSTANCES; number += 1) {
      instances.push(await Instance.start(number, pair.master.port, env));
    }
    const phases: FailoverPhase[] = [];
    for (const isLossy of [true, false]) phases.push(await runPhase({ ...options, isLossy, pair, instances, keyPrefix }));
    return {
      seed: options.seed,
      count: options.count,
      phases,
      crashes: instances.flatMap(({ crashes }) => crashes),
      instanceOutputs: instances.map(({ output }) => output),
    };
  } finally {
    await Promise.all(instances.map((instance) => instance[Symbol.asyncDispose]()));
  }
}

interface PhaseOptions extends FailoverOptions {
  readonly isLossy: boolean;
  readonly pair: RedisPair;
  readonly instances: readonly Instance[];
  readonly keyPrefix: string;
}

/** Runs in rooms and with clients of its own, so that nothing of an earlier phase excuses anything. */
async function runPhase(options: PhaseOptions): Promise<FailoverPhase> {
  const { seed, count, isLossy, oldMasters, pair, instances, keyPrefix, log } = options;
  const startedMs = performance.now();
  const rooms = Array.from({ length: ROOMS }, (_, number) => uniqueRoom(`room-${number}`));
  const urls = instances.map(({ port }) => `http://127.0.0.1:${port}`);
  const urlOf = (client: number) => urls[client % urls.length] ?? "";
  const clients = Array.from({ length: PUBLISHERS + STAYERS + ROAMERS }, (_, client) => urlOf(client));
  await using cast = new Cast(clients, rooms);
  await using recorder = await startRecorder([pair.master.url], rooms, (room) => `${keyPrefix}:{${room}}:log`);
  await cast.joined();
  const stop = new AbortController();
  const publishing = Array.from({ length: PUBLISHERS }, (_, client) =>
    cast.publishUntil(stop.signal, client, seededRandom(seed + client)),
  );
  const publishers = Promise.all(publishing);
  await using absences = new Absences(cast);
  let happened = 0;

  const firstRoamer = PUBLISHERS + STAYERS;
  const plan = planFailovers({ seed, count, isLossy, oldMasters, firstRoamer, roamers: ROAMERS });
  for (const failover of plan) {
    await getsThrough(cast);
    await delay(failover.restMs);
    if (failover.arrival) cast.arrive(urlOf(happened));
    if (failover.away !== undefined) absences.begin(failover.away, happened);
    await fail({ failover, pair, instances, cast, recorder });
    happened += 1;
    await absences.endDue(happened);
    if (happened % 20 === 0) log?.(`${happened} failovers ${isLossy ? "with" : "without"} losses`);
  }
  const lastMs = performance.now();
  await absences.endDue(Number.POSITIVE_INFINITY);
  stop.abort();
  await publishers;
  await cast.settled(HEAL_MS);
  await cast.fence(HEAL_MS);

  const look = async (): Promise<History> => {
    await recorder.complete();
    const read = async (room: string) => {
      return { room, lives: recorder.lives(room), served: await readServed(urlOf(0), room) };
    };
    const publishes = cast.publishes.map((publish) => ({ ...publish }));
    return { rooms: await Promise.all(rooms.map(read)), memberships: cast.memberships, publishes, instanceEndsMs: [] };
  };
  let history = await look();
  let verdict = reachVerdict(history);
  const fencedMs = performance.now();
  // What only instances know of may be told as late as that.
  while (verdict.problems.some(({ kind }) => kind === "untold-loss") && performance.now() - fencedMs < REPORT_MS) {
    await delay(1_000);
    history = await look();
    verdict = reachVerdict(history);
  }
  const now = performance.now();
  return {
    isLossy,
    failovers: happened,
    history,
    verdict,
    cast: cast.counts,
    healedAfterMs: now - lastMs,
    tookMs: now - startedMs,
  };
}

/** Waits until something is acknowledged again. */
async function getsThrough(cast: Cast): Promise<void> {
  const before = cast.acknowledged;
  await waitFor(() => cast.acknowledged > before, "a publish to be acknowledged", WORKS_AGAIN_MS);
}

interface Scene {
  readonly failover: Failover;
  readonly pair: RedisPair;
  readonly instances: readonly Instance[];
  readonly cast: Cast;
  readonly recorder: Recorder;
}

async function fail(scene: Scene): Promise<void> {
  if (scene.failover.kind === "restart") await restart(scene);
  else await promote(scene);
}

/** Redis dies, and comes back with what its disk had when the moment began. */
async function restart({ failover, pair, cast, recorder }: Scene): Promise<void> {
  const { master } = pair;
  const snapshot = await master.snapshot();
  await losesSo(failover, cast);
  recorder.pause();
  const atMs = performance.now();
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
async function promote({ failover, pair, instances, cast, recorder }: Scene): Promise<void> {
  await pair.attachReplica();
  if (failover.losing !== undefined) {
    pair.stallReplication();
    await losesSo(failover, cast);
  }
  let atMs = 0;
  const old = await pair.promote(async () => {
    if (failover.losing === undefined) await pair.replicated();
    await recorder.complete();
    recorder.pause();
    atMs = performance.now();
  });
  await recorder.replaced([pair.master.url], atMs);
  for (const { redisLine } of instances) redisLine.targetPort = pair.master.port;
  if (failover.oldMaster === "dies") await old.kill();
  else await pair.demoteOther();
  recorder.resume();
}

async function losesSo({ losing = 0 }: Failover, cast: Cast): Promise<void> {
  const before = cast.acknowledged;
  await waitFor(() => cast.acknowledged - before >= losing, `${losing} acknowledgements`, WORKS_AGAIN_MS);
}
