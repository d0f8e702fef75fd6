import type { RequestPayload } from "@holdfast/client/protocol";
import { requireEncodable } from "../application/checked-data.ts";
import type { Caller } from "./caller.ts";

/** Gives the payload back. Throws INVALID_PAYLOAD where it nests too deeply to be encoded again. */
export function echo(_parts: unknown, _caller: Caller, payload: RequestPayload<"echo">): unknown {
  requireEncodable(payload, { binary: "accepted" });
  return payload;
}
