import { costOf } from "../meter.ts";

/** What is billed, whoever bills it. */
export interface Usage {
  /** Of instances with a connection. */
  readonly billedSeconds: number;
  readonly calls: number;
  readonly hours: number;
  readonly cpu: number;
  readonly memoryMb: number;
  readonly minInstances: number;
}

export interface Bill {
  readonly currency: "CNY" | "USD";
  readonly lines: readonly { readonly what: string; readonly amount: number }[];
  readonly total: number;
}

/** https://www.alibabacloud.com/help/en/functioncompute/fc/product-overview/billing-overview */
const cuPer10000Calls = 75;
const cnyPerCu = 0.00011;
const leastCnyPerHour = 0.01;
const cuPerIdleGbSecond = 0.15;

/**
 * Function Compute's bill: seconds with a connection, calls, the memory of minimum instances that idle, and at least
 * 0.01 CNY for each hour with a call. Traffic, Redis and logs come beside it.
 */
export function functionComputeBill(usage: Usage): Bill {
  const compute = costOf(usage.billedSeconds, usage).cny;
  const calls = (usage.calls / 10_000) * cuPer10000Calls * cnyPerCu;
  const idleSeconds = Math.max(0, usage.minInstances * usage.hours * 3600 - usage.billedSeconds);
  const idle = idleSeconds * (usage.memoryMb / 1024) * cuPerIdleGbSecond * cnyPerCu;
  const floor = Math.max(0, usage.hours * leastCnyPerHour - compute - calls - idle);
  return billOf("CNY", { "instances with connections": compute, calls, "idle minimum instances": idle, floor });
}

/** https://cloud.google.com/run/pricing, tier 1, billed by requests; without the free tier. */
const usdPerVcpuSecond = 0.000024;
const usdPerGibSecond = 0.0000025;
const usdPerCall = 0.4 / 1_000_000;
const usdPerIdleVcpuSecond = 0.0000025;

/** Cloud Run's bill for the same instances; a service that takes several requests at a time has at least one vCPU there. */
export function cloudRunBill(usage: Usage): Bill {
  const cpu = Math.max(1, usage.cpu);
  const gib = usage.memoryMb / 1024;
  const compute = usage.billedSeconds * (cpu * usdPerVcpuSecond + gib * usdPerGibSecond);
  const idleSeconds = Math.max(0, usage.minInstances * usage.hours * 3600 - usage.billedSeconds);
  const idle = idleSeconds * (cpu * usdPerIdleVcpuSecond + gib * usdPerGibSecond);
  const calls = usage.calls * usdPerCall;
  return billOf("USD", { "instances with connections": compute, calls, "idle minimum instances": idle });
}

function billOf(currency: Bill["currency"], amounts: Readonly<Record<string, number>>): Bill {
  const lines = Object.entries(amounts).map(([what, amount]) => ({ what, amount }));
  return { currency, lines, total: lines.reduce((sum, { amount }) => sum + amount, 0) };
}
