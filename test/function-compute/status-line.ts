import type { Cost } from "./meter.ts";

export interface LiveState {
  readonly instances: readonly { readonly state: string }[];
  readonly counts: { readonly connections: number; readonly cuts: number; readonly handovers: number };
  /** Null where prices are not known. */
  readonly cost: Cost | null;
}

/** The live state in one line: instances, connections, cuts, handovers, billed seconds. */
export function statusLine({ instances, counts, cost }: LiveState): string {
  const inState = (state: string) => instances.filter((instance) => instance.state === state).length;
  const others = instances.length - inState("running") - inState("frozen");
  return [
    `instances ${inState("running")} running, ${inState("frozen")} frozen${others > 0 ? `, ${others} starting or stopping` : ""}`,
    `connections ${counts.connections}`,
    `cuts ${counts.cuts}`,
    `handovers ${counts.handovers}`,
    ...(cost === null ? [] : [`billed ${cost.billedSeconds.toFixed(1)} s (${cost.cny.toFixed(6)} CNY)`]),
  ].join(" | ");
}
