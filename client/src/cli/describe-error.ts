import type { HoldfastError } from "../errors.ts";
import { clientErrors, serverErrors } from "../protocol/errors.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { Refusal } from "./refusal.ts";

export interface ErrorReport {
  readonly code: string;
  readonly message: string;
  readonly next: string | undefined;
  readonly exitCode: ExitCode;
}

const advice: Readonly<Record<string, { readonly advice: string }>> = { ...serverErrors, ...clientErrors };
const doctor = "`holdfast doctor URL` looks for the cause.";

/** Next steps of somebody at a command line, where they differ from those of an application. */
const nextSteps: Readonly<Record<string, string>> = {
  UNAUTHENTICATED: `Give a token with --token or HOLDFAST_TOKEN; \`holdfast token --user ann\` makes one for a development secret. ${doctor}`,
  TOKEN_EXPIRED: "Give a fresh token with --token or HOLDFAST_TOKEN.",
  FORBIDDEN: "Give a token whose claim `rooms` has the right: `holdfast token --user ann --rooms 'lobby=read write'`.",
  UNAVAILABLE: `Try again: Redis is away. ${doctor}`,
  UNREACHABLE: `Check that the server runs, and name its address with --url or HOLDFAST_URL. ${doctor}`,
  UPGRADE_REFUSED: `Check that a Holdfast server answers there, and what stands in front of it. ${doctor}`,
  TIMED_OUT: `Whether it was stored is not known: read the room, or repeat it with the same --id. ${doctor}`,
  UNKNOWN_EVENT: "Name an event of the application's contract; `bench` takes it with --event and --data.",
  SERVER_FULL: "Try again later, or raise MAX_CONNECTIONS.",
  RATE_LIMITED: "Try again later, or send less.",
};

const unreachable: readonly string[] = ["UNREACHABLE", "UPGRADE_REFUSED"];

/** What the command line says of an error, and what it ends with. */
export function describeError(error: Refusal | HoldfastError): ErrorReport {
  if (error instanceof Refusal) return error;
  const { code, message } = error;
  const exitCode = unreachable.includes(code) ? exitCodes.unreachable : exitCodes.failed;
  return { code, message, next: nextSteps[code] ?? advice[code]?.advice, exitCode };
}
