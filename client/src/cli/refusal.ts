import { type ExitCode, exitCodes } from "./exit-codes.ts";

interface RefusalDetail {
  /** A code of the protocol, or USAGE, or REFUSED. Default: REFUSED. */
  readonly code?: string;
  /** The next step, a sentence. */
  readonly next?: string | undefined;
  /** Default: failed. */
  readonly exitCode?: ExitCode;
}

/** What the command line refuses to do, or could not do; its message says why. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: string;
  readonly next: string | undefined;
  readonly exitCode: ExitCode;

  constructor(message: string, { code = "REFUSED", next, exitCode = exitCodes.failed }: RefusalDetail = {}) {
    super(message);
    this.code = code;
    this.next = next;
    this.exitCode = exitCode;
  }
}

/** A command line that cannot be carried out as it is written. */
export function usageError(message: string, next?: string): Refusal {
  return new Refusal(message, { code: "USAGE", next, exitCode: exitCodes.usage });
}
