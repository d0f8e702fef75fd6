import { pick, type Random, randomInteger, seededRandom } from "../../support/random.ts";
import type { Fault } from "./fault.ts";
import { clockStep, type Shape, type Source, sources } from "./sources.ts";

export interface PlannedFault {
  /** Since the beginning of the bad weather. */
  readonly atMs: number;
  readonly fault: Fault;
}

export interface PlanOptions extends Shape {
  readonly seed: number;
  readonly seconds: number;
  /** Freeze one instance for so long, from early on; undefined: none. */
  readonly longFreezeMs?: number;
}

/** A log that is lost twice within moments is another matter than one that is lost after hours. */
const SECOND_WIPE_FROM_SECONDS = 120;
/** What a fault of Redis may take, beyond the times that it names. */
const RESTART_MS = 3_000;
const LONG_FREEZE_AT_MS = 10_000;

/**
 * What goes wrong when: a pure function of the seed and of the shape of the run. Each kind of fault has random numbers
 * of its own, so that a change of one kind leaves the others where they were. A fault is left out where what it hits
 * still suffers from another one.
 */
export function planFaults(options: PlanOptions): PlannedFault[] {
  const others = sources
    .flatMap((source, position) => planSource(source, position, options))
    .filter(({ fault }) => isPossible(fault, options));
  const kept: PlannedFault[] = [...planWipes(options), ...planLongFreeze(options)];
  for (const planned of others.sort((a, b) => a.atMs - b.atMs)) {
    if (!kept.some((other) => collide(planned, other))) kept.push(planned);
  }
  return kept.sort((a, b) => a.atMs - b.atMs);
}

/** A log is lost late in the run, so that there is something to lose, and early enough that it matters. */
function planWipes({ seed, seconds, nodes }: PlanOptions): PlannedFault[] {
  const random = seededRandom(seed);
  const shares = seconds >= SECOND_WIPE_FROM_SECONDS ? [0.5, 0.8] : [0.65];
  return shares.map((share) => ({
    atMs: Math.round(seconds * 1000 * (share + 0.1 * random())),
    fault: {
      kind: "wipe-redis",
      downMs: randomInteger(random, 0, 1_500),
      node: randomInteger(random, 0, nodes - 1),
      clockByMs: clockStep(random),
    },
  }));
}

function planLongFreeze({ seed, instances, longFreezeMs }: PlanOptions): PlannedFault[] {
  const instance =
    pick(
      seededRandom(seed),
      Array.from({ length: instances }, (_, number) => number),
    ) ?? 0;
  if (longFreezeMs === undefined) return [];
  return [{ atMs: LONG_FREEZE_AT_MS, fault: { kind: "freeze-instance", instance, forMs: longFreezeMs } }];
}

/** A cluster has no replica here, its instances have no lines of their own to it, and its nodes live by the true time. */
function isPossible({ kind }: Fault, { nodes }: PlanOptions): boolean {
  if (nodes === 1) return kind !== "move-slot";
  return kind !== "promote-replica" && kind !== "step-redis-clock" && !kind.endsWith("redis-link");
}

function planSource({ meanGapMs, make }: Source, position: number, options: PlanOptions): PlannedFault[] {
  const random = seededRandom(Math.imul(options.seed + 1, 0x9e3779b1) + position);
  const planned: PlannedFault[] = [];
  for (let atMs = pauseMs(random, meanGapMs); atMs < options.seconds * 1000; atMs += pauseMs(random, meanGapMs)) {
    planned.push({ atMs, fault: make(random, options) });
  }
  return planned;
}

/** Waiting time to the next event of a Poisson process. */
function pauseMs(random: Random, meanMs: number): number {
  return Math.round(-Math.log(1 - random()) * meanMs);
}

function collide(a: PlannedFault, b: PlannedFault): boolean {
  const overlap = a.atMs < b.atMs + lastsMs(b.fault) && b.atMs < a.atMs + lastsMs(a.fault);
  return overlap && suffers(a.fault) !== undefined && suffers(a.fault) === suffers(b.fault);
}

/** How long the fault keeps what it hits. */
function lastsMs(fault: Fault): number {
  switch (fault.kind) {
    case "restart-redis":
    case "wipe-redis":
      return fault.downMs + RESTART_MS;
    case "rewind-redis":
      return fault.lostMs + fault.downMs + RESTART_MS;
    case "promote-replica":
      return fault.lostMs + fault.besidesMs + RESTART_MS;
    case "return-client":
      return fault.awayMs;
    default:
      if ("forMs" in fault) return fault.forMs;
      return "downMs" in fault ? fault.downMs : 0;
  }
}

/** What can suffer from one fault at a time; undefined for what may happen in any weather. */
function suffers(fault: Fault): string | undefined {
  switch (fault.kind) {
    case "cut-clients":
    case "cut-redis-link":
    case "kill-redis-connections":
    case "step-redis-clock":
    case "step-instance-clock":
    case "forge-position":
    case "deaf-reader":
    // It waits for its turn, and is short.
    case "move-slot":
      return undefined;
    case "return-client":
      return `application ${fault.client}`;
    case "silence-client":
    case "slow-client":
      return `client ${fault.client}`;
    case "silence-redis-link":
    case "slow-redis-link":
      return `redis link ${fault.instance}`;
    case "kill-instance":
    case "stop-instance":
    case "freeze-instance":
      return `instance ${fault.instance}`;
    default:
      return "redis";
  }
}
