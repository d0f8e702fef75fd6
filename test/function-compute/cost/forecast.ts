import { noticeDelayMs } from "../../../server/src/sockets/expiry-notice.ts";
import type { Random } from "../../support/random.ts";
import { billedMs, connectionClosed, connectionOpened, idleMeter, type Meter } from "../meter.ts";
import { schedule } from "../scheduler.ts";
import { TimeLine } from "./time-line.ts";

/** What is deployed, and who connects. */
export interface Plan {
  readonly connections: number;
  readonly hours: number;
  /** Seconds in which they arrive, evenly. */
  readonly arrivalSeconds: number;
  /** How long the platform lets a connection live. */
  readonly lifetimeSeconds: number;
  readonly instanceConcurrency: number;
  readonly maxInstances: number;
}

/** One part of the time. */
export interface Span {
  readonly endHours: number;
  /** Instances with connections, at most. */
  readonly instances: number;
  readonly moves: number;
  readonly billedSeconds: number;
}

export interface Forecast {
  readonly spans: readonly Span[];
  readonly billedSeconds: number;
  /** Connections that were opened: each is a call. */
  readonly calls: number;
  readonly moves: number;
  readonly mostInstances: number;
  /** Connections that found every instance full. */
  readonly refused: number;
}

interface Host {
  meter: Meter;
}

/** A client has both connections for so long while it moves. */
const moveMs = 1_000;
const spansInAll = 24;

/**
 * Plays connections against the emulator's own scheduler and meter, without their traffic: each is opened on an instance by
 * chance, told to move by the server's own rule, and closed when its client has another one.
 */
export function forecast(plan: Plan, random: Random): Forecast {
  const endMs = plan.hours * 3_600_000;
  const hosts = new Map<string, Host>();
  const events = new TimeLine();
  const totals = { calls: 0, moves: 0, refused: 0, closedMs: 0 };
  const spans: Span[] = [];
  let names = 0;
  let most = { inSpan: 0, inAll: 0 };
  let told = { moves: 0, billedMs: 0 };

  const billedUntil = (nowMs: number) =>
    [...hosts.values()].reduce((sum, { meter }) => sum + billedMs(meter, nowMs), totals.closedMs);

  const host = (): string | undefined => {
    const candidates = [...hosts].map(([id, { meter }]) => ({
      id,
      state: "running" as const,
      inFlight: meter.open,
      healthy: true,
    }));
    const limits = { ...plan, reservedConcurrency: null };
    const decision = schedule(candidates, limits, totals.calls, random());
    if (decision.kind === "use") return decision.id;
    if (decision.kind === "refuse") return undefined;
    names += 1;
    hosts.set(`${names}`, { meter: idleMeter });
    return `${names}`;
  };

  const open = (nowMs: number): string | undefined => {
    const id = host();
    const chosen = id === undefined ? undefined : hosts.get(id);
    if (id === undefined || chosen === undefined) {
      totals.refused += 1;
      return undefined;
    }
    totals.calls += 1;
    chosen.meter = connectionOpened(chosen.meter, nowMs);
    most = { inSpan: Math.max(most.inSpan, hosts.size), inAll: Math.max(most.inAll, hosts.size) };
    const delayMs = noticeDelayMs(plan.lifetimeSeconds * 1000, random());
    events.at(nowMs + delayMs, (movedMs) => {
      totals.moves += 1;
      const next = open(movedMs);
      // Refused, it stays where it is until the platform cuts it; then it comes again.
      const closesMs = next === undefined ? nowMs + plan.lifetimeSeconds * 1000 : movedMs + moveMs;
      events.at(closesMs, (closedMs) => close(id, closedMs));
      if (next === undefined) events.at(closesMs, (againMs) => void open(againMs));
    });
    return id;
  };

  const close = (id: string, nowMs: number) => {
    const chosen = hosts.get(id);
    if (chosen === undefined) return;
    chosen.meter = connectionClosed(chosen.meter, nowMs);
    if (chosen.meter.open > 0) return;
    totals.closedMs += billedMs(chosen.meter, nowMs);
    hosts.delete(id);
  };

  for (let index = 0; index < plan.connections; index += 1) {
    events.at((index / plan.connections) * plan.arrivalSeconds * 1000, (nowMs) => void open(nowMs));
  }
  for (let span = 1; span <= spansInAll; span += 1) {
    const spanEndMs = (endMs * span) / spansInAll;
    events.run(spanEndMs);
    const billed = billedUntil(spanEndMs);
    spans.push({
      endHours: spanEndMs / 3_600_000,
      instances: most.inSpan,
      moves: totals.moves - told.moves,
      billedSeconds: (billed - told.billedMs) / 1000,
    });
    told = { moves: totals.moves, billedMs: billed };
    most = { ...most, inSpan: hosts.size };
  }
  const { calls, moves, refused } = totals;
  return { spans, billedSeconds: told.billedMs / 1000, calls, moves, mostInstances: most.inAll, refused };
}
