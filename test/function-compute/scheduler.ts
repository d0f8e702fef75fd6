import { type Refusal, refusals } from "./refusals.ts";

/** What the scheduler needs to know of one instance of the newest version. */
export interface Candidate {
  readonly id: string;
  readonly state: "starting" | "running" | "frozen";
  /** Requests that it holds or that wait for its start. */
  readonly inFlight: number;
  /** False after too many failed health checks. */
  readonly healthy: boolean;
}

export interface SchedulingLimits {
  readonly instanceConcurrency: number;
  readonly maxInstances: number;
  /** Requests that the function may hold at a time, or null. */
  readonly reservedConcurrency: number | null;
}

export type Decision =
  | { readonly kind: "use"; readonly id: string }
  | { readonly kind: "start" }
  | { readonly kind: "refuse"; readonly refusal: Refusal };

/**
 * Which instance takes a request: any that is up, healthy and has room, by chance and without regard to who asks.
 * Otherwise one that is starting, otherwise a new one, up to the maximum.
 *
 * @param requests all requests that the function holds, older versions' included
 * @param random in [0, 1)
 */
export function schedule(
  candidates: readonly Candidate[],
  limits: SchedulingLimits,
  requests: number,
  random: number,
): Decision {
  if (limits.reservedConcurrency !== null && requests >= limits.reservedConcurrency) {
    const limit = `reservedConcurrency ${limits.reservedConcurrency}`;
    return { kind: "refuse", refusal: refusals.throttled(limit) };
  }
  const healthy = candidates.filter((candidate) => candidate.healthy);
  const withRoom = healthy.filter((candidate) => candidate.inFlight < limits.instanceConcurrency);
  const up = withRoom.filter((candidate) => candidate.state !== "starting");
  const choices = up.length > 0 ? up : withRoom;
  const chosen = choices[Math.floor(random * choices.length)];
  if (chosen) return { kind: "use", id: chosen.id };
  if (candidates.length < limits.maxInstances) return { kind: "start" };
  if (healthy.length === 0) return { kind: "refuse", refusal: refusals.unhealthy() };
  const limit = `${limits.maxInstances} instances with ${limits.instanceConcurrency} requests each`;
  return { kind: "refuse", refusal: refusals.throttled(limit) };
}
