import { table } from "../table.ts";
import type { Percentiles } from "./percentiles.ts";

/** What a bench has measured. */
export interface Report {
  readonly room: string;
  readonly clients: number;
  /** Publishes per second that were asked for. */
  readonly rate: number;
  readonly seconds: number;
  readonly published: number;
  /** Publishes that were acknowledged. */
  readonly stored: number;
  /** Messages that reached a member, each member counted. */
  readonly delivered: number;
  /** From `connect` until the room was joined. */
  readonly connectMs: Percentiles | undefined;
  readonly ackMs: Percentiles | undefined;
  readonly deliverMs: Percentiles | undefined;
  /** Stored messages that did not reach a member, each member counted; the next three likewise. */
  readonly lost: number;
  readonly repeated: number;
  readonly disordered: number;
  readonly gaps: number;
  /** Publishes that were refused, by their code. */
  readonly refused: Readonly<Record<string, number>>;
  readonly unanswered: number;
  readonly moves: {
    /** Moves that the server announced. */
    readonly planned: number;
    /** Connections that were cut, by the bench itself or by another. */
    readonly cut: number;
    /** Until the client was connected by the new connection alone. */
    readonly longestMs: number;
    /** Between two messages, of the clients that moved. */
    readonly longestSilenceMs: number;
  };
}

/** Whether everything arrived, once and in order. */
export function isWell({ stored, lost, repeated, disordered, gaps, refused, unanswered }: Report): boolean {
  return stored > 0 && lost + repeated + disordered + gaps + unanswered + Object.keys(refused).length === 0;
}

export function textOf(report: Report): string {
  const { clients, published, stored, delivered, seconds, rate, connectMs, ackMs, deliverMs, moves } = report;
  const { lost, repeated, disordered, gaps, unanswered, refused, room } = report;
  const times = [
    ["", "p50", "p95", "p99", "max"],
    row("connect and join", connectMs),
    row("publish to stored", ackMs),
    row("publish to delivered", deliverMs),
  ];
  const refusals = Object.entries(refused).map(([code, count]) => `${count} ${code}`);
  return [
    `${clients} clients in ${room}: ${published} published in ${seconds} s (${rate}/s asked for), ${stored} stored, ${delivered} delivered`,
    "",
    table(times),
    "",
    `lost ${lost}, repeated ${repeated}, disordered ${disordered}, gaps ${gaps}, unanswered ${unanswered}, refused ${refusals.join(", ") || 0}`,
    `moves: ${moves.planned} planned, ${moves.cut} after a cut; the longest took ${moves.longestMs} ms, the longest silence of who moved was ${moves.longestSilenceMs} ms`,
  ].join("\n");
}

function row(name: string, times: Percentiles | undefined): string[] {
  if (times === undefined) return [name, "-", "-", "-", "-"];
  return [name, ...[times.p50, times.p95, times.p99, times.max].map((ms) => `${ms.toFixed(1)} ms`)];
}
