import type { DestroyReason } from "./events.ts";
import type { Instance } from "./instance.ts";
import type { Candidate } from "./scheduler.ts";

/** An instance with what the pool knows about it. */
export interface Entry {
  readonly instance: Instance;
  /** Settles when the instance can take requests, or has failed to start. */
  readonly ready: Promise<void>;
  /** Aborted when the instance is to go. */
  readonly life: AbortController;
  /** Resolves when the process is gone and the entry with it. */
  gone: Promise<void>;
  idleTimer: NodeJS.Timeout | null;
  reason: DestroyReason | null;
  removal: Promise<void> | null;
}

export interface BilledInstance {
  readonly billedSeconds: number;
  readonly cpu: number;
  readonly memoryMb: number;
}

export function billedInstance(instance: Instance): BilledInstance {
  const { cpu, memoryMb } = instance.version.settings;
  return { billedSeconds: instance.billedSeconds(), cpu, memoryMb };
}

/** What the scheduler sees of an instance; null when it takes no requests any more. */
export function candidate({ id, state, inFlight, healthy }: Instance): Candidate | null {
  return state === "stopping" || state === "gone" ? null : { id, state, inFlight, healthy };
}
