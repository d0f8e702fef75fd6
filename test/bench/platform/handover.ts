import { type RunOptions, type RunResult, runHandovers, type Side } from "../../end-to-end/handover-run.ts";
import { percentile } from "../../support/tally.ts";
import { defineBench, progress } from "../bench.ts";
import { percentiles } from "../plots.ts";
import type { Figure, Report } from "../report.ts";
import { countsOf } from "../rig/histogram.ts";

const INSTANCES = 3;
const CLIENT_PROCESSES = 2;
/** Clients of the package that publish what the stock clients get. */
const PUBLISHERS = 4;
/** So long that nobody is told to move while the bench runs. */
const NO_MOVE_SECONDS = 3_600;

type Values = Readonly<Record<"clients" | "rate" | "timeout" | "seconds", number>>;

export const handover = defineBench<keyof Values>({
  summary: "moving to a new connection before the platform cuts the old one, socket.io-client alone beside it",
  options: {
    clients: { default: 100, meaning: "clients in one room, on three instances of the emulator" },
    rate: { default: 100, meaning: "messages per second" },
    timeout: { default: 20, meaning: "seconds after which the platform cuts a connection" },
    seconds: { default: 30, meaning: "seconds of each of the three runs" },
  },
  async run({ clients, rate, timeout, seconds }) {
    const usual: RunOptions = {
      clients,
      stockClients: 0,
      processes: CLIENT_PROCESSES,
      instances: INSTANCES,
      messagesPerSecond: rate,
      timeoutSeconds: timeout,
      seconds,
      moves: 0,
    };
    progress(`clients that move, ${seconds} s`);
    const moving = await runHandovers(usual);
    progress(`stock clients, ${seconds} s`);
    const stock = await runHandovers({ ...usual, clients: PUBLISHERS, stockClients: clients });
    progress(`clients that need not move, ${seconds} s`);
    const staying = await runHandovers({ ...usual, timeoutSeconds: NO_MOVE_SECONDS, samples: true });
    return report(moving, stock, staying);
  },
});

function report(moving: RunResult, stock: RunResult, staying: RunResult): Report {
  const runs = [moving, stock, staying];
  const sides = [moving.ours, stock.stock, staying.ours];
  const gap = (share: number) => sides.map(({ gapsMs }) => Math.round(percentile(gapsMs, share)));
  const cpuPercent = (run: RunResult) => run.serverUs / 10_000 / run.seconds;
  const moves = moving.ours.interruptions;
  const cpuPerMoveMs = ((cpuPercent(moving) - cpuPercent(staying)) * 10 * moving.seconds) / moves;
  const figures: Figure[] = [
    row("messages published", "", runs, ({ messages }) => messages),
    row("moves, or cuts of the stock client", "", sides, ({ interruptions }) => interruptions),
    row("connections cut at the deadline", "", sides, ({ deadlineCuts }) => deadlineCuts),
    row("messages lost, all clients together", "", sides, ({ lost }) => lost),
    row("messages repeated", "", sides, ({ repeated }) => repeated),
    row("messages out of order", "", sides, ({ disordered }) => disordered),
    { name: "longest time without a delivery, p50", unit: "ms", values: gap(0.5), isCompared: true },
    { name: "longest time without a delivery, p99", unit: "ms", values: gap(0.99), isCompared: true },
    { name: "longest time without a delivery, max", unit: "ms", values: gap(1) },
    row("connections opened beside the first ones", "", sides, ({ extraConnections }) => extraConnections),
    row("open connections beyond one a client, mean", "", sides, ({ meanExtraOpen }) => meanExtraOpen),
    row("CPU of the servers", "% of a core", runs, cpuPercent),
    { name: "CPU of the servers for one move", unit: "ms", values: [cpuPerMoveMs, null, null] },
    row("worst process waited for a processor", "% of the time", runs, ({ starvation }) => starvation * 100),
  ];
  return {
    columns: ["Holdfast", "stock client", "Holdfast, no moves"],
    against: 1,
    figures,
    targets: [
      { name: "longest time without a delivery in a move, p99", unit: "ms", value: gap(0.99)[0] ?? 0, atMost: 100 },
      { name: "longest time without a delivery in a move, max", unit: "ms", value: gap(1)[0] ?? 0, atMost: 250 },
      { name: "connections that reached their deadline", unit: "", value: moving.ours.deadlineCuts, atMost: 0 },
    ],
    failures: [...failures("clients that move", moving.ours), ...failures("clients that stay", staying.ours)],
    plots: [
      percentiles("Each client's longest time without a delivery in a move, or in a cut", "ms", {
        Holdfast: countsOf(moving.ours.gapsMs),
        "stock client": countsOf(stock.stock.gapsMs),
        "Holdfast, no moves": countsOf(staying.ours.gapsMs),
      }),
    ],
  };
}

function row<Column>(
  name: string,
  unit: string,
  columns: readonly Column[],
  value: (column: Column) => number,
): Figure {
  return { name, unit, values: columns.map(value) };
}

function failures(who: string, { lost, repeated, disordered, gapEvents }: Side): string[] {
  return Object.entries({ lost, repeated, "out of order": disordered, "told as gaps": gapEvents })
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${who}: expected every message once and in order, ${count} were ${what}`);
}
