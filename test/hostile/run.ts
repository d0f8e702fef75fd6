import { setTimeout as delay } from "node:timers/promises";
import { keptBytes } from "../support/inspector.ts";
import { faultsOf } from "../support/instances.ts";
import { connectRaw } from "../support/raw-websocket.ts";
import { percentile } from "../support/tally.ts";
import { waitFor } from "../support/wait.ts";
import type { Attack, Outcome } from "./attacks/attack.ts";
import { frames } from "./attacks/frames.ts";
import { holdHalfOpen } from "./attacks/half-open.ts";
import { httpRequests } from "./attacks/http-requests.ts";
import { packets } from "./attacks/packets.ts";
import { payloads } from "./attacks/payloads.ts";
import { tokens } from "./attacks/tokens.ts";
import { beHonest } from "./honest.ts";
import { type Stage, startStage } from "./stage.ts";

export interface HostileOptions {
  /** The same seed makes the same inputs, batch by batch. */
  readonly seed: number;
  /** The attack ends after so many inputs, or after so many seconds. */
  readonly inputs?: number;
  readonly seconds?: number;
}

export interface HostileReport {
  readonly seed: number;
  /** By kind. */
  readonly inputs: Readonly<Record<string, number>>;
  readonly seconds: number;
  /** From a publish of an honest client to its acknowledgement, while the attack went on. */
  readonly honestP99Ms: number;
  readonly honestLongestMs: number;
  /** What the server keeps after the warm-up, and after the attack. */
  readonly baselineBytes: number;
  readonly keptBytes: number;
  /** The most that was resident, and what is at the end; of the system, for information. */
  readonly residentBytes: number;
  readonly problems: readonly string[];
  /** What the server printed. */
  readonly output: string;
}

/** One batch of each, in turn; payloads most often, because an input of theirs costs least. */
const turns: readonly Attack[] = [payloads, packets, payloads, httpRequests, payloads, frames, payloads, tokens];
const LANES = 6;
/** An attack that has shown so many ends: more of them say nothing more. */
const PROBLEMS_AT_MOST = 20;
/** The first part of the attack, after which memory counts: code is compiled by then, pools and caches are filled. */
const WARM_UP_SHARE = 0.3;
/** Longer than a connection may be open without being admitted, and than one that was refused is kept. */
const SETTLE_MS = 12_000;
const KEPT_AT_MOST = 1.1;
const BACK_WITHIN_MS = 45_000;

/** Attacks a server with everything at once, and looks whether it is as good as before. */
export async function runHostile(options: HostileOptions): Promise<HostileReport> {
  const { seed } = options;
  await using stage = await startStage();
  const warmUp = await attack(stage, { ...shareOf(options, WARM_UP_SHARE), seed: ~seed });
  const baselineBytes = await settledBytes(stage);
  const honest = await beHonest(stage);
  const main = await attack(stage, { ...shareOf(options, 1 - WARM_UP_SHARE), seed });
  const { latenciesMs, problems } = await honest.end();
  const kept = await backWithin(stage, KEPT_AT_MOST * baselineBytes);
  return {
    seed,
    inputs: sumOf(warmUp.inputs, main.inputs),
    seconds: warmUp.seconds + main.seconds,
    honestP99Ms: percentile(latenciesMs, 0.99),
    honestLongestMs: Math.max(...latenciesMs),
    baselineBytes,
    keptBytes: kept,
    residentBytes: stage.server.ended === undefined ? stage.server.memoryBytes() : Number.NaN,
    problems: [
      ...warmUp.problems.map((problem) => `warm-up, ${problem}`),
      ...main.problems,
      ...problems,
      ...(kept <= KEPT_AT_MOST * baselineBytes ? [] : [`the server keeps ${kept} bytes, ${baselineBytes} before`]),
      ...(await problemsAfterwards(stage)),
    ],
    output: stage.server.output,
  };
}

function shareOf({ inputs, seconds }: HostileOptions, share: number): Limits {
  return {
    inputs: Math.ceil((inputs ?? Number.POSITIVE_INFINITY) * share),
    seconds: (seconds ?? Number.POSITIVE_INFINITY) * share,
  };
}

type Inputs = Readonly<Record<string, number>>;

function sumOf(first: Inputs, second: Inputs): Inputs {
  return Object.fromEntries(Object.entries(second).map(([kind, count]) => [kind, count + (first[kind] ?? 0)]));
}

/** What ends an attack, whichever comes first. */
interface Limits {
  readonly inputs: number;
  readonly seconds: number;
}

interface Attacked {
  readonly inputs: Inputs;
  readonly seconds: number;
  readonly problems: readonly string[];
}

/** Runs batch after batch, some at a time; beside them are connections that are never finished. */
async function attack({ server, victim }: Stage, limits: Limits & { readonly seed: number }): Promise<Attacked> {
  const startMs = performance.now();
  const elapsedSeconds = () => (performance.now() - startMs) / 1000;
  using halfOpen = await holdHalfOpen(victim);
  const inputs: Record<string, number> = { "half-open": halfOpen.inputs };
  const problems: string[] = [];
  let [sent, batch] = [halfOpen.inputs, 0];
  const lane = async () => {
    while (sent < limits.inputs && elapsedSeconds() < limits.seconds) {
      if (server.ended !== undefined || problems.length >= PROBLEMS_AT_MOST) return;
      const number = batch;
      batch += 1;
      const turn = turns[number % turns.length];
      if (turn === undefined) return;
      const outcome = await runBatch(turn, () => turn.run(victim, batchSeed(limits.seed, number)), number);
      sent += outcome.inputs;
      inputs[turn.kind] = (inputs[turn.kind] ?? 0) + outcome.inputs;
      problems.push(...outcome.problems);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return { inputs, seconds: elapsedSeconds(), problems };
}

async function runBatch({ kind }: Attack, run: () => Promise<Outcome>, number: number): Promise<Outcome> {
  const named = (problem: string) => `batch ${number} (${kind}): ${problem}`;
  try {
    const { inputs, problems } = await run();
    return { inputs, problems: problems.map(named) };
  } catch (error) {
    return { inputs: 0, problems: [named(String(error))] };
  }
}

/** Another one for each batch, and for equal batches of two seeds. */
const batchSeed = (seed: number, batch: number) => Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(batch + 1, 0x85ebca6b);

/** What the server keeps when all that the attackers left has run out. */
async function settledBytes({ server }: Stage): Promise<number> {
  if (server.ended !== undefined) return Number.NaN;
  await delay(SETTLE_MS);
  return keptBytes(server);
}

/** What the server keeps, as soon as that is little enough, or after a while. */
async function backWithin({ server }: Stage, bytes: number): Promise<number> {
  if (server.ended !== undefined) return Number.NaN;
  let kept = Number.NaN;
  const isBack = async () => {
    kept = await keptBytes(server);
    return kept <= bytes;
  };
  await waitFor(isBack, "the memory to be back", BACK_WITHIN_MS).catch(() => undefined);
  return kept;
}

async function problemsAfterwards({ server, honestToken, secrets }: Stage): Promise<string[]> {
  if (server.ended !== undefined) return [`the server has ended: ${JSON.stringify(server.ended)}`];
  const problems: string[] = [];
  if ((await server.healthStatus()) !== 200) problems.push("the server is not healthy");
  try {
    using newcomer = await connectRaw(server.url, {
      auth: { protocol: 1, session: "a-session-of-a-newcomer", token: honestToken },
    });
    await newcomer.request("echo", 1);
  } catch (error) {
    problems.push(`a newcomer is not served: ${String(error)}`);
  }
  for (const fault of faultsOf(server)) problems.push(`a fault in the log: ${JSON.stringify(fault).slice(0, 1_000)}`);
  for (const [name, secret] of Object.entries(secrets)) {
    if (server.output.includes(secret)) problems.push(`${name} is in the log`);
  }
  return problems;
}
