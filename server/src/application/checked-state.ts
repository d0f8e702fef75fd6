import { limits } from "@holdfast/client/protocol";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { RequestError } from "../errors.ts";
import { requireEncodable } from "./checked-data.ts";
import { parseBySchema } from "./schemas.ts";

/**
 * The JSON of a member's state as the contract's schema gives it; "" for a state that is null. Throws INVALID_PAYLOAD, also
 * where the room's contract names no `presence`, and PAYLOAD_TOO_LARGE.
 */
export function checkedState(schema: StandardSchemaV1 | undefined, state: unknown): string {
  if (schema === undefined) {
    throw new RequestError(
      "INVALID_PAYLOAD",
      "the contract names no `presence` for this room, so its members have no state",
    );
  }
  requireEncodable(state, { binary: "refused" });
  const json = JSON.stringify(parseBySchema("state", schema, state, "presence")) ?? "null";
  const bytes = Buffer.byteLength(json);
  if (bytes > limits.stateBytes) {
    throw new RequestError("PAYLOAD_TOO_LARGE", `expected a state of at most ${limits.stateBytes} bytes, got ${bytes}`);
  }
  return json === "null" ? "" : json;
}
