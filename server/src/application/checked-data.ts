import { limits } from "@holdfast/client/protocol";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { OverLimit, RequestError } from "../errors.ts";
import { parseBySchema } from "./schemas.ts";

/** Deepest nesting of data that is accepted; deeper data could exhaust the stack of a program that reads it. */
const deepestNesting = 32;

/**
 * An event's data as its schema in the contract gives it. Throws UNKNOWN_EVENT for an event that the room's contract
 * does not name, INVALID_PAYLOAD with the field and what was expected, and PAYLOAD_TOO_LARGE.
 */
export function checkedData(
  kind: "message" | "signal",
  schemas: Readonly<Record<string, StandardSchemaV1>>,
  event: string,
  data: unknown,
): { readonly data: unknown; readonly json: string } {
  const schema = Object.hasOwn(schemas, event) ? schemas[event] : undefined;
  if (schema === undefined) {
    const names = Object.keys(schemas).join(", ");
    const expected =
      names === "" ? `no ${kind}, because the contract has none for this room` : `one of the ${kind}s ${names}`;
    throw new RequestError("UNKNOWN_EVENT", `expected ${expected}, got ${JSON.stringify(event)}`);
  }
  requireEncodable(data, { binary: "refused" });
  let parsed: unknown;
  try {
    parsed = parseBySchema("data", schema, data, event);
  } catch (error) {
    // What is refused is measured too: for data that is far too large, its size is the answer that helps.
    jsonOf(data);
    throw error;
  }
  return { data: parsed, json: jsonOf(parsed) };
}

/** The JSON of data that may be stored. Throws PAYLOAD_TOO_LARGE. */
export function jsonOf(data: unknown): string {
  const json = JSON.stringify(data) ?? "null";
  requireSize(json);
  return json;
}

function requireSize(json: string): void {
  // A character of a string is at most three bytes of UTF-8, so most need not be counted.
  if (json.length * 3 <= limits.dataBytes) return;
  const bytes = Buffer.byteLength(json);
  if (bytes > limits.dataBytes) {
    const message = `expected at most ${limits.dataBytes} bytes of data, got ${bytes}`;
    throw new OverLimit("data", "PAYLOAD_TOO_LARGE", message);
  }
}

/** Throws INVALID_PAYLOAD for data that nests too deeply to be encoded again, or that is binary where that is refused. */
export function requireEncodable(value: unknown, { binary }: { binary: "accepted" | "refused" }, depth = 0): void {
  if (typeof value !== "object" || value === null) return;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    if (binary === "accepted") return;
    // Binary data has no place in a log of JSON: stored, it would come out as something else.
    throw new RequestError(
      "INVALID_PAYLOAD",
      "expected JSON, got binary data; encode it as text, or send a link to it",
    );
  }
  if (depth >= deepestNesting) {
    throw new RequestError("INVALID_PAYLOAD", `expected data nested at most ${deepestNesting} levels deep`);
  }
  for (const member of Object.values(value)) requireEncodable(member, { binary }, depth + 1);
}
