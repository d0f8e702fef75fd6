/**
 * What an instance is billed for: from the opening of its first connection to the closing of its last, with
 * overlapping connections counted once. (Function Compute, "Billing method" of WebSocket-triggered functions:
 * with concurrency 2, one connection from T1 to T3 and one from T2 to T4 are billed T4 - T1.)
 */
export interface Meter {
  /** Milliseconds of all spans that are over. */
  readonly closedMs: number;
  /** Connections that are open now. */
  readonly open: number;
  /** When the current span began; without meaning while nothing is open. */
  readonly sinceMs: number;
}

export const idleMeter: Meter = { closedMs: 0, open: 0, sinceMs: 0 };

export function connectionOpened(meter: Meter, atMs: number): Meter {
  return { ...meter, open: meter.open + 1, sinceMs: meter.open === 0 ? atMs : meter.sinceMs };
}

export function connectionClosed(meter: Meter, atMs: number): Meter {
  if (meter.open === 0) throw new Error("expected an open connection to close, the meter has none");
  const closedMs = meter.open === 1 ? meter.closedMs + (atMs - meter.sinceMs) : meter.closedMs;
  return { ...meter, closedMs, open: meter.open - 1 };
}

/** Billed milliseconds up to `nowMs`, an open span included. */
export function billedMs(meter: Meter, nowMs: number): number {
  return meter.open === 0 ? meter.closedMs : meter.closedMs + (nowMs - meter.sinceMs);
}

/** The published prices: CU per vCPU-second and per GB-second, and CNY per CU. */
const prices = { cuPerVcpuSecond: 1, cuPerGbSecond: 0.15, cnyPerCu: 0.00011 } as const;

export interface Cost {
  readonly billedSeconds: number;
  readonly cu: number;
  readonly cny: number;
}

/** What so many billed seconds of one size of instance cost. */
export function costOf(billedSeconds: number, size: { readonly cpu: number; readonly memoryMb: number }): Cost {
  const cuPerSecond = size.cpu * prices.cuPerVcpuSecond + (size.memoryMb / 1024) * prices.cuPerGbSecond;
  const cu = billedSeconds * cuPerSecond;
  return { billedSeconds, cu, cny: cu * prices.cnyPerCu };
}

export function sumCosts(costs: readonly Cost[]): Cost {
  return costs.reduce(
    (sum, cost) => ({
      billedSeconds: sum.billedSeconds + cost.billedSeconds,
      cu: sum.cu + cost.cu,
      cny: sum.cny + cost.cny,
    }),
    { billedSeconds: 0, cu: 0, cny: 0 },
  );
}
