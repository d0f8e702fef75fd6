import type { RequestName } from "@holdfast/client/protocol";
import type { SignalDrop } from "./broadcast/signal-delivery.ts";
import { type LimitName, OverLimit, toWireError } from "./errors.ts";

/** Where somebody was refused. */
export type Door = "handshake" | "socket" | "http";

/** Why a WebSocket was refused before it was open. */
export type UpgradeRefusal = "origin" | "connections";

/** Why the server closed a connection. */
export type CutReason =
  | "slow reader"
  | "too many packets"
  | "too many connects"
  | "too many refusals"
  | "too many control frames";

type Labels = Readonly<Record<string, string>>;

/** What is counted, with what it says and the names of its labels. */
const counters = {
  connections_opened_total: { help: "connections that were admitted", labels: [] },
  connections_cut_total: { help: "connections that the server has cut", labels: ["reason"] },
  upgrades_refused_total: { help: "WebSockets that were not opened", labels: ["reason"] },
  publishes_total: { help: "publishes that were stored, or a duplicate of one that was", labels: ["outcome"] },
  signals_total: { help: "signals that were sent", labels: [] },
  signals_dropped_total: { help: "signals that were not delivered, as they would have been late", labels: ["reason"] },
  refusals_total: { help: "refusals by error code", labels: ["door", "code"] },
  limits_met_total: { help: "times that a limit has refused something", labels: ["limit"] },
  member_joins_total: { help: "sessions that became members of a room through this instance", labels: [] },
  member_leaves_total: {
    help: "sessions that this instance has found to be members of a room no more",
    labels: ["reason"],
  },
  gaps_total: { help: "reads whose answer told that messages are lost, or may be", labels: [] },
  losses_total: { help: "losses of Redis that this instance has reported to a room's log", labels: [] },
} as const;

type CounterName = keyof typeof counters;

interface Gauge {
  readonly name: string;
  readonly help: string;
  readonly read: () => number;
}

/**
 * What a server tells about itself: each server has one, and gives it to the few places that see everything pass (the
 * doors, the table of requests, the connections). What is a state is read when it is asked for.
 */
export class Telemetry {
  /** By counter, and by its labels as JSON, of which there are few. */
  readonly #counts = new Map<CounterName, Map<string, number>>();
  readonly #gauges: Gauge[] = [];

  /** A state, read each time that the metrics are asked for. */
  gauge(name: string, help: string, read: () => number): void {
    this.#gauges.push({ name, help, read });
  }

  connectionOpened(): void {
    this.#count("connections_opened_total");
  }

  connectionCut(reason: CutReason): void {
    this.#count("connections_cut_total", { reason });
  }

  upgradeRefused(reason: UpgradeRefusal): void {
    this.#count("upgrades_refused_total", { reason });
    if (reason === "connections") this.#limitMet(reason);
  }

  /** Takes note of what a request was answered with, whichever door it came through. */
  carriedOut(name: RequestName, data: unknown): void {
    const { duplicate, recovered } = Object(data) as { readonly duplicate?: unknown; readonly recovered?: unknown };
    if (name === "message:publish")
      this.#count("publishes_total", { outcome: duplicate === true ? "duplicate" : "stored" });
    else if (name === "signal:send") this.#count("signals_total");
    else if (name !== "echo" && recovered === false) this.#count("gaps_total");
  }

  refused(door: Door, error: unknown): void {
    this.#count("refusals_total", { door, code: toWireError(error).code });
    if (error instanceof OverLimit) this.#limitMet(error.limit);
  }

  /** Of a signal that is dropped for some of its receivers, one for each of them. */
  signalsDropped(reason: SignalDrop, count: number): void {
    this.#count("signals_dropped_total", { reason }, count);
  }

  memberJoined(): void {
    this.#count("member_joins_total");
  }

  memberLeft(reason: string): void {
    this.#count("member_leaves_total", { reason });
  }

  lossReported(): void {
    this.#count("losses_total");
  }

  /** Everything in Prometheus' text format. */
  async text(): Promise<{ readonly body: string; readonly contentType: string }> {
    // Loaded when it is asked for: it would take a tenth of the time to start, and most instances are never asked.
    const { Counter, Gauge, Registry } = await import("prom-client");
    const registry = new Registry();
    const registers = [registry];
    for (const { name, help, read } of this.#gauges) {
      new Gauge({ name: `holdfast_${name}`, help, registers }).set(read());
    }
    for (const [name, { help, labels }] of Object.entries(counters)) {
      const counter = new Counter({ name: `holdfast_${name}`, help, labelNames: [...labels], registers });
      const counts = this.#counts.get(name as CounterName) ?? new Map<string, number>();
      for (const [key, count] of counts) counter.inc(JSON.parse(key) as Labels, count);
    }
    return { body: await registry.metrics(), contentType: registry.contentType };
  }

  #limitMet(limit: LimitName): void {
    this.#count("limits_met_total", { limit });
  }

  #count(name: CounterName, labels: Labels = {}, by = 1): void {
    let counts = this.#counts.get(name);
    if (counts === undefined) {
      counts = new Map();
      this.#counts.set(name, counts);
    }
    const key = JSON.stringify(labels);
    counts.set(key, (counts.get(key) ?? 0) + by);
  }
}
