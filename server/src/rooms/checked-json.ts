import { limits } from "@holdfast/client/protocol";
import type * as z from "zod";
import { RequestError } from "../errors.ts";
import { describeIssues } from "./describe-issues.ts";

/** Deepest nesting of data that is accepted; deeper data could exhaust the stack of whoever reads it. */
const deepestNesting = 32;

/**
 * The JSON of an event's data as its schema in the contract gives it. Throws UNKNOWN_EVENT for an event that the
 * contract does not name, INVALID_PAYLOAD with the field and what was expected, and PAYLOAD_TOO_LARGE.
 */
export function checkedJson(schemas: Readonly<Record<string, z.ZodType>>, event: string, data: unknown): string {
  const schema = Object.hasOwn(schemas, event) ? schemas[event] : undefined;
  if (schema === undefined) {
    throw new RequestError(
      "UNKNOWN_EVENT",
      `expected one of ${Object.keys(schemas).join(", ")}, got ${JSON.stringify(event)}`,
    );
  }
  requireBearable(data, { binary: "refused" });
  const parsed = schema.safeParse(data);
  // What is refused is measured too: for data that is far too large, its size is the answer that helps.
  const json = JSON.stringify(parsed.success ? parsed.data : data) ?? "null";
  requireSize(json);
  if (!parsed.success) throw new RequestError("INVALID_PAYLOAD", describeIssues("data", parsed.error));
  return json;
}

function requireSize(json: string): void {
  // A character of a string is at most three bytes of UTF-8, so most need not be counted.
  if (json.length * 3 <= limits.dataBytes) return;
  const bytes = Buffer.byteLength(json);
  if (bytes > limits.dataBytes) {
    throw new RequestError("PAYLOAD_TOO_LARGE", `expected at most ${limits.dataBytes} bytes of data, got ${bytes}`);
  }
}

/** Throws INVALID_PAYLOAD for data that nests too deeply to be encoded again, or that is binary where that is refused. */
export function requireBearable(value: unknown, { binary }: { binary: "accepted" | "refused" }, depth = 0): void {
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
  for (const member of Object.values(value)) requireBearable(member, { binary }, depth + 1);
}
