import type { Plot } from "../plot.ts";
import { bars, percentiles } from "../plots.ts";
import type { Figure } from "../report.ts";
import { type Counts, meanOf, mergeCounts, percentileOf } from "../rig/histogram.ts";
import type { Round } from "./side.ts";

/** What the rounds of each column measured. */
export function busyFigures(columns: readonly (readonly Round[])[]): Figure[] {
  const latency = (share: number) => columns.map((rounds) => percentileOf(latencies(rounds), share));
  const batches = columns.map((rounds) => mergeCounts(rounds.map((round) => round.batchMessages)));
  return [
    ...cpuFigures(columns),
    {
      name: "bytes received per delivered message",
      unit: "",
      values: columns.map((rounds) => perDelivered(rounds, "receivedBytes")),
      isCompared: true,
    },
    { name: "latency p50", unit: "ms", values: latency(0.5), isCompared: true },
    { name: "latency p99", unit: "ms", values: latency(0.99), isCompared: true },
    { name: "messages in a packet, mean", unit: "", values: batches.map(meanOf) },
    { name: "messages in a packet, p99", unit: "", values: batches.map((counts) => percentileOf(counts, 0.99)) },
    { name: "messages delivered", unit: "", values: columns.map((rounds) => sum(rounds, "delivered")) },
    { name: "messages lost", unit: "", values: columns.map(lost) },
    { name: "CPU of the servers", unit: "% of a core", values: columns.map((rounds) => busy(rounds, "serverUs")) },
    { name: "CPU of Redis", unit: "% of a core", values: columns.map((rounds) => busy(rounds, "redisUs")) },
    { name: "time from first publish to last delivery", unit: "ms", values: columns.map((r) => sum(r, "wallMs")) },
  ];
}

/** What a delivery cost each column, and how long it took. */
export function busyPlots(names: readonly string[], columns: readonly (readonly Round[])[]): Plot[] {
  const lines = names.map((name, column) => [name, latencies(columns[column] ?? [])] as const);
  return [
    bars("CPU per delivered message", names, cpuFigures(columns)),
    percentiles("From the publisher's send to a member's receipt", "ms", Object.fromEntries(lines)),
  ];
}

function cpuFigures(columns: readonly (readonly Round[])[]): Figure[] {
  const values = (cost: "serverUs" | "redisUs") => columns.map((rounds) => perDelivered(rounds, cost));
  return [
    { name: "server CPU per delivered message", unit: "us", values: values("serverUs"), isCompared: true },
    { name: "Redis CPU per delivered message", unit: "us", values: values("redisUs"), isCompared: true },
  ];
}

/** What one delivered message cost. */
export function perDelivered(rounds: readonly Round[], cost: "serverUs" | "redisUs" | "receivedBytes"): number {
  return sum(rounds, cost) / sum(rounds, "delivered");
}

/** Of all instances together; what waited for the last delivery is part of the time. */
function busy(rounds: readonly Round[], cost: "serverUs" | "redisUs"): number {
  return sum(rounds, cost) / sum(rounds, "wallMs") / 10;
}

export function latencies(rounds: readonly Round[]): Counts {
  return mergeCounts(rounds.map(({ latencyMs }) => latencyMs));
}

function lost(rounds: readonly Round[]): number {
  return sum(rounds, "expected") - sum(rounds, "delivered");
}

/** What went wrong with the messages of these rounds. */
export function busyFailures(rounds: readonly Round[]): string[] {
  const missing = lost(rounds);
  const disordered = sum(rounds, "disordered") + sum(rounds, "missing");
  return [
    ...(missing === 0 ? [] : [`expected every message at every member, ${missing} deliveries are missing`]),
    ...(disordered === 0 ? [] : [`${disordered} messages came out of order or left one out`]),
  ];
}

type Countable =
  | "serverUs"
  | "redisUs"
  | "receivedBytes"
  | "wallMs"
  | "expected"
  | "delivered"
  | "disordered"
  | "missing";

function sum(rounds: readonly Round[], key: Countable): number {
  return rounds.reduce((total, round) => total + round[key], 0);
}
