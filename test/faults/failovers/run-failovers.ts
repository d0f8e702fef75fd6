import { setTimeout as delay } from "node:timers/promises";
import { RedisPair } from "../../support/redis-pair.ts";
import { uniquePrefix } from "../../support/unique.ts";
import type { CastCounts } from "../chaos/cast.ts";
import type { History } from "../chaos/history.ts";
import { type Crash, Instance } from "../chaos/instance.ts";
import type { Verdict } from "../chaos/verdict.ts";
import { Absences } from "./absences.ts";
import { fail } from "./fail.ts";
import { type FailoverPlanOptions, planFailovers } from "./plan-failovers.ts";
import { FIRST_ROAMER, PUBLISHERS, ROAMERS, Stage, type StageOptions } from "./stage.ts";

const INSTANCES = 3;
const PROGRESS = 20;

export interface FailoverOptions {
  readonly seed: number;
  readonly count: number;
  /** What may become of a master whose place was taken. */
  readonly oldMasters: FailoverPlanOptions["oldMasters"];
  /** Tells how far it is. */
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
  const env = { KEY_PREFIX: keyPrefix, HISTORY_MAX_MESSAGES: "1000000", LOG_LEVEL: "debug" };
  const instances: Instance[] = [];
  try {
    for (let number = 0; number < INSTANCES; number += 1) {
      instances.push(await Instance.start({ number, env, redisPort: pair.master.port }));
    }
    const stage = { seed: options.seed, pair, instances, keyPrefix };
    const phases: FailoverPhase[] = [];
    for (const isLossy of [true, false]) phases.push(await runPhase(options, stage, isLossy));
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

/** Runs in rooms and with clients of its own, so that nothing of an earlier phase excuses anything. */
async function runPhase(
  { seed, count, oldMasters, log }: FailoverOptions,
  stageOptions: StageOptions,
  isLossy: boolean,
): Promise<FailoverPhase> {
  const startedMs = performance.now();
  await using stage = await Stage.open(stageOptions);
  await using absences = new Absences(stage.cast);
  const shape = { instances: INSTANCES, publishers: PUBLISHERS, firstRoamer: FIRST_ROAMER, roamers: ROAMERS };
  let happened = 0;
  for (const failover of planFailovers({ seed, count, isLossy, oldMasters, ...shape })) {
    try {
      await stage.acknowledges(1);
      await delay(failover.restMs);
      if (failover.arrival) stage.arrive(happened);
      if (failover.away !== undefined) absences.begin(failover.away, happened);
      await fail(failover, stage);
    } catch (error) {
      throw new Error(`after ${happened} failovers, before or in ${JSON.stringify(failover)}`, { cause: error });
    }
    happened += 1;
    await absences.endDue(happened);
    if (happened % PROGRESS === 0) log?.(`${happened} failovers ${isLossy ? "with" : "without"} losses`);
  }
  const lastMs = performance.now();
  await absences.endDue(Number.POSITIVE_INFINITY);
  const { history, verdict } = await stage.finish();
  const nowMs = performance.now();
  const cast = stage.cast.counts;
  return {
    isLossy,
    failovers: happened,
    history,
    verdict,
    cast,
    healedAfterMs: nowMs - lastMs,
    tookMs: nowMs - startedMs,
  };
}
