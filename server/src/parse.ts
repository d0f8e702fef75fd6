import { type RequestName, type RequestPayload, requests } from "@holdfast/client/protocol";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type * as z from "zod";
import { RequestError } from "./errors.ts";

/** What a schema makes of a value that a client sent. Throws INVALID_PAYLOAD with the field and what was expected. */
export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown, what: string): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new RequestError("INVALID_PAYLOAD", describeIssues(what, parsed.error.issues));
  return parsed.data;
}

/**
 * The payload of a request, as the protocol's table describes it. Throws as {@link parse} does; a field is named as its
 * sender wrote it, `room` or `history`, unless `what` stands before it.
 */
export function parsePayload<Name extends RequestName>(name: Name, payload: unknown, what = ""): RequestPayload<Name> {
  return parse(requests[name].payload, payload, what) as RequestPayload<Name>;
}

/** Problems that one message names, and characters that it has at most: a schema may name every unknown field. */
const describedIssues = 5;
const describedChars = 1_000;

/** Every problem in one sentence each, with the path of the field: `data.text: Too small: expected …`. */
export function describeIssues(root: string, issues: readonly StandardSchemaV1.Issue[]): string {
  const text = issues
    .slice(0, describedIssues)
    .map(({ path = [], message }) => {
      const keys = path.map((part) => String(typeof part === "object" ? part.key : part));
      const field = [root, ...keys].filter((key) => key !== "").join(".");
      return `${field === "" ? "payload" : field}: ${message}`;
    })
    .join("; ");
  return text.length <= describedChars ? text : `${text.slice(0, describedChars)}…`;
}
