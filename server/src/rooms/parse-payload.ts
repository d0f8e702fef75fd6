import { type RequestName, type RequestPayload, requests } from "@holdfast/client/protocol";
import { RequestError } from "../errors.ts";
import { describeIssues } from "./describe-issues.ts";

/** The payload of a request, as the protocol's table has it. Throws INVALID_PAYLOAD with the field and what was expected. */
export function parsePayload<Name extends RequestName>(
  name: Name,
  payload: unknown,
  what = "payload",
): RequestPayload<Name> {
  const parsed = requests[name].payload.safeParse(payload);
  if (!parsed.success) throw new RequestError("INVALID_PAYLOAD", describeIssues(what, parsed.error));
  return parsed.data as RequestPayload<Name>;
}
