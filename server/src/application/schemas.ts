import { type Contract, compareKinds, isOfKind, type RoomContract } from "@holdfast/client/contract";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { RequestError } from "../errors.ts";
import { describeIssues } from "../parse.ts";

type Schema = StandardSchemaV1;
type Schemas = Readonly<Record<string, Schema>>;

/** The events of one kind of rooms. */
interface RoomSchemas {
  /** What clients may publish. */
  readonly messages: Schemas;
  /** What the server's side may publish: all messages. */
  readonly allMessages: Schemas;
  readonly signals: Schemas;
}

/** Looks schemas up by room and event. Made once from an application's contract. */
export interface ContractSchemas {
  of(room: string): RoomSchemas;
  readonly requests: Readonly<Record<string, { readonly payload: Schema; readonly answer: Schema }>>;
}

/**
 * Prepares a contract. Throws a sentence that names a schema that is not a Standard Schema, a pattern with a `*` that
 * is not at its end, or a name that a message and a signal share: an application in JavaScript has no compiler to find
 * these.
 */
export function contractSchemas(contract: Contract): ContractSchemas {
  const flat = roomSchemas("the contract", contract);
  const kinds = Object.entries(contract.rooms ?? {})
    .map(([pattern, kind]) => ({ pattern: checkedPattern(pattern), schemas: roomSchemas(`rooms["${pattern}"]`, kind) }))
    .sort((a, b) => compareKinds(a.pattern, b.pattern));
  const requests = contract.requests ?? {};
  for (const [event, { payload, answer }] of Object.entries(requests)) {
    requireSchema(`the payload of ${event}`, payload);
    requireSchema(`the answer of ${event}`, answer);
  }
  return { of: (room) => kinds.find(({ pattern }) => isOfKind(room, pattern))?.schemas ?? flat, requests };
}

function roomSchemas(
  where: string,
  { messages = {}, serverMessages = {}, signals = {}, presence }: RoomContract,
): RoomSchemas {
  for (const [event, schema] of Object.entries({ ...messages, ...serverMessages, ...signals })) {
    requireSchema(`${event} in ${where}`, schema);
    const uses = [messages, serverMessages, signals].filter((schemas) => Object.hasOwn(schemas, event));
    if (uses.length > 1) throw new Error(`${where} uses the name ${event} twice: give each event a name of its own`);
  }
  if (presence !== undefined) requireSchema(`presence in ${where}`, presence);
  return { messages, allMessages: { ...messages, ...serverMessages }, signals };
}

function requireSchema(what: string, schema: unknown): void {
  if (typeof schema === "object" && schema !== null && "~standard" in schema) return;
  if (typeof schema === "function" && "~standard" in schema) return;
  throw new Error(`${what} is no Standard Schema: use one of zod, valibot, arktype or another library that speaks it`);
}

function checkedPattern(pattern: string): string {
  if (/^[^*]*\*?$/.test(pattern)) return pattern;
  throw new Error(`rooms["${pattern}"]: a * may stand only at the end`);
}

/**
 * What a schema makes of a value; `what` begins the path of a field. Throws INVALID_PAYLOAD with the field and what was
 * expected, and an error that names the event where the schema answers with a promise.
 */
export function parseBySchema(what: string, schema: Schema, value: unknown, event: string): unknown {
  const result = schema["~standard"].validate(value);
  if ("then" in result) {
    // Its result is not used, and an unhandled rejection would end the process.
    result.then(undefined, () => undefined);
    throw new Error(`the schema of ${event} answers with a promise for its ${what}; it must be synchronous`);
  }
  if (result.issues === undefined) return result.value;
  throw new RequestError("INVALID_PAYLOAD", describeIssues(what, result.issues));
}
