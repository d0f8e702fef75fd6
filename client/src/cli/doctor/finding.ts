import type { Address } from "../address.ts";
import type { HttpAnswer } from "./http-probe.ts";

/** What a check has found. */
export interface Outcome {
  readonly state: "ok" | "warn" | "fail" | "skipped";
  readonly found: string;
  /** The next step, where there is one. */
  readonly next?: string;
}

/** The same with the name of its check. */
export interface Finding extends Outcome {
  readonly check: string;
}

/** What is looked at, and what earlier checks have learnt. */
export interface Visit {
  /** As it was given. */
  readonly url: string;
  readonly token: string | undefined;
  readonly origin: string | undefined;
  readonly room: string | undefined;
  /** How long a connection is watched; 0: not at all. */
  readonly watchSeconds: number;
  /** How long each probe waits for its answer. */
  readonly waitMs: number;
  /** Aborted by Ctrl-C. */
  readonly interrupted: AbortSignal;
  /** The address as it was understood; of use to checks that need the one of the address. */
  address: Address;
  /** Of `/healthz`, where there was any. */
  health?: HttpAnswer;
}

/** A row of the table of checks. */
export interface Check {
  readonly name: string;
  /** What it looks at, in a few words. */
  readonly looksAt: string;
  /** Checks without which it can find nothing: where one of them has failed, it is skipped. */
  readonly needs: readonly string[];
  run(visit: Visit): Outcome | Promise<Outcome>;
}

export const ok = (found: string, next?: string): Outcome => ({ state: "ok", found, ...(next && { next }) });
export const warn = (found: string, next: string): Outcome => ({ state: "warn", found, next });
export const fail = (found: string, next: string): Outcome => ({ state: "fail", found, next });
export const skipped = (found: string): Outcome => ({ state: "skipped", found });
