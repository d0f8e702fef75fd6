import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { HoldfastError } from "../../errors.ts";
import { randomId } from "../../random-id.ts";
import { answered, type Connecting } from "../connected.ts";
import type { Terminal } from "../terminal.ts";
import { type BenchMember, openMember } from "./member.ts";
import { percentiles } from "./percentiles.ts";
import type { Report } from "./report.ts";

export interface BenchOptions extends Connecting {
  readonly clients: number;
  /** Publishes per second, of all clients together. */
  readonly rate: number;
  readonly seconds: number;
  readonly room: string;
  readonly event: string;
  readonly data: unknown;
}

const progressEveryMs = 500;

/** Connects, publishes, counts and leaves. Rejects where the deployment refuses a client or the first message. */
export async function runBench(options: BenchOptions, terminal: Terminal): Promise<Report> {
  const interrupted = terminal.interrupted();
  const sentMs = new Map<string, number>();
  const deliverMs: number[] = [];
  const hear = (id: string, atMs: number) => {
    const sent = sentMs.get(id);
    if (sent !== undefined) deliverMs.push(atMs - sent);
  };
  terminal.progress(`connecting ${options.clients} clients`);
  const opened = await Promise.allSettled(
    Array.from({ length: options.clients }, () => openMember(options, options.room, hear)),
  );
  const members = opened.flatMap((outcome) => (outcome.status === "fulfilled" ? outcome.value : []));
  try {
    const refused = opened.find((outcome) => outcome.status === "rejected");
    if (refused !== undefined) throw refused.reason;
    const [first] = members;
    if (first === undefined) throw new Error("expected a client at least");
    // The first message shows whether this event may be published at all. It is none of those that are measured.
    await answered(first.client.publish(options.room, options.event, options.data), "the first publish", options.wait);
    const load = await publishAll(options, members, sentMs, interrupted, (text) => terminal.progress(text));
    await settle(members, load.acknowledged, options.wait);
    return reportOf(options, members, load, deliverMs);
  } finally {
    terminal.progress("");
    await Promise.all(members.map(({ client }) => client.close()));
  }
}

interface Load {
  readonly ackMs: number[];
  readonly acknowledged: Set<string>;
  readonly refusals: Map<string, number>;
  published: number;
  tookMs: number;
}

/** Publishes at the rate, in turn through every client; in the middle one client's connection is changed. */
async function publishAll(
  { rate, seconds, room, event, data, wait }: BenchOptions,
  members: readonly BenchMember[],
  sentMs: Map<string, number>,
  interrupted: AbortSignal,
  tell: (text: string) => void,
): Promise<Load> {
  const load: Load = { ackMs: [], acknowledged: new Set(), refusals: new Map(), published: 0, tookMs: 0 };
  const underWay: Promise<void>[] = [];
  const publish = async ({ client }: BenchMember) => {
    const id = randomId();
    const atMs = performance.now();
    sentMs.set(id, atMs);
    load.published += 1;
    try {
      await client.publish(room, event, data, { id });
      load.ackMs.push(performance.now() - atMs);
      load.acknowledged.add(id);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      load.refusals.set(error.code, (load.refusals.get(error.code) ?? 0) + 1);
    }
  };
  const startedMs = performance.now();
  const endMs = startedMs + seconds * 1000;
  let toldMs = startedMs;
  let isCut = false;
  for (let nowMs = startedMs; nowMs < endMs && !interrupted.aborted; nowMs = performance.now()) {
    // As many as are due: a late timer does not lower the rate.
    const due = Math.floor(((nowMs - startedMs) / 1000) * rate) + 1;
    while (load.published < due) {
      const member = members[load.published % members.length];
      if (member !== undefined) underWay.push(publish(member));
    }
    if (!isCut && nowMs - startedMs > (seconds * 1000) / 2) {
      isCut = true;
      if (members.every(({ moves }) => moves.length === 0)) members[0]?.cut();
    }
    if (nowMs - toldMs >= progressEveryMs) {
      toldMs = nowMs;
      const delivered = members.reduce((sum, { record }) => sum + record.count, 0);
      const at = ((nowMs - startedMs) / 1000).toFixed(0);
      tell(
        `${at} of ${seconds} s: ${load.published} published, ${load.acknowledged.size} stored, ${delivered} delivered`,
      );
    }
    await delay(Math.min(50, 1000 / rate));
  }
  load.tookMs = performance.now() - startedMs;
  await Promise.race([Promise.all(underWay), delay(wait * 1000, undefined, { ref: false })]);
  return load;
}

/** Waits until every member has all that was stored, though no longer than `waitSeconds`. */
async function settle(members: readonly BenchMember[], acknowledged: ReadonlySet<string>, waitSeconds: number) {
  const endMs = performance.now() + waitSeconds * 1000;
  while (performance.now() < endMs && members.some(({ record }) => record.lost(acknowledged) > 0)) await delay(20);
}

function reportOf(
  { clients, rate, room }: BenchOptions,
  members: readonly BenchMember[],
  load: Load,
  deliverMs: readonly number[],
): Report {
  const sum = (count: (member: BenchMember) => number) => members.reduce((total, member) => total + count(member), 0);
  const moved = members.filter(({ moves }) => moves.length > 0);
  const moves = moved.flatMap((member) => member.moves);
  return {
    room,
    clients,
    rate,
    seconds: Math.round(load.tookMs / 100) / 10,
    published: load.published,
    stored: load.acknowledged.size,
    delivered: deliverMs.length,
    connectMs: percentiles(members.map(({ connectMs }) => connectMs)),
    ackMs: percentiles(load.ackMs),
    deliverMs: percentiles(deliverMs),
    lost: sum(({ record }) => record.lost(load.acknowledged)),
    repeated: sum(({ record }) => record.repeated),
    disordered: sum(({ record }) => record.disordered),
    gaps: sum(({ record }) => record.gaps),
    refused: Object.fromEntries(load.refusals),
    unanswered: load.published - load.acknowledged.size - [...load.refusals.values()].reduce((a, b) => a + b, 0),
    moves: {
      planned: moves.filter(({ kind }) => kind === "planned").length,
      cut: moves.filter(({ kind }) => kind === "cut").length,
      longestMs: Math.round(Math.max(0, ...moves.map(({ tookMs }) => tookMs))),
      longestSilenceMs: Math.round(Math.max(0, ...moved.map(({ record }) => record.longestSilenceMs))),
    },
  };
}
