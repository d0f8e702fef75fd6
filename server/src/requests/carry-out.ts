import type { RequestData, RequestName } from "@holdfast/client/protocol";
import { requireEncodable } from "../application/checked-data.ts";
import { RequestError } from "../errors.ts";
import { parsePayload } from "../parse.ts";
import type { Caller } from "./caller.ts";
import type { RequestParts } from "./parts.ts";
import { requireRight } from "./rights.ts";
import { isRequestName, requestTable } from "./table.ts";
import { WaitingRequests } from "./waiting-requests.ts";

/** What every door hands its requests to. */
export interface Requests {
  /**
   * Carries out a request of the protocol's table: shape, right, the user's limits, handler. It runs up to the handler without awaiting, so
   * that requests start in the order of the calls; only a right that the application has to be asked about is awaited. Throws INVALID_PAYLOAD, FORBIDDEN,
   * RATE_LIMITED and what the handler throws.
   *
   * @param what - what the payload is called in the message of an error; default: nothing stands before the name of a field
   */
  carryOut<Name extends RequestName>(
    caller: Caller,
    name: Name,
    payload: unknown,
    what?: string,
  ): RequestData<Name> | Promise<RequestData<Name>>;
  /** The same for any event that a client sends, the contract's own requests among them. Throws UNKNOWN_EVENT as well. */
  carryOutEvent(caller: Caller, event: unknown, payloads: readonly unknown[]): unknown;
}

export function createRequests(given: Omit<RequestParts, "waiting">): Requests {
  const waiting = new WaitingRequests();
  const parts: RequestParts = { ...given, waiting };
  const { ownRequests } = parts.hooks;
  const requests: Requests = {
    carryOut(caller, name, payload, what) {
      const { handler, cost, right, counts } = requestTable[name];
      const parsed = parsePayload(name, payload, what);
      const take = () => parts.userLimits?.take(caller, cost, counts);
      const handle = () => handler(parts, caller, parsed);
      const asked = requireRight(caller.identity, right, roomOf(parsed), (ask) => {
        // Before the application is asked, whose answer may cost it more than the request costs us.
        take();
        return waiting.run(caller, bytesOf(parsed), ask);
      });
      if (asked !== undefined) return asked.then(handle);
      take();
      return handle();
    },
    carryOutEvent(caller, event, payloads) {
      const isOwn = ownRequests?.has(event) === true;
      if (!isRequestName(event) && !isOwn) throw unknownEvent(event);
      if (payloads.length > 1)
        throw new RequestError("INVALID_PAYLOAD", `expected one payload, got ${payloads.length}`);
      const [payload] = payloads;
      if (isRequestName(event)) return requests.carryOut(caller, event, payload);
      if (ownRequests === undefined) return undefined;
      return waiting.run(caller, bytesOf(payload), () => ownRequests.answer(caller, String(event), payload));
    },
  };
  return requests;
}

function unknownEvent(event: unknown): RequestError {
  const expected = Object.keys(requestTable).join(", ");
  return new RequestError(
    "UNKNOWN_EVENT",
    `expected a request of the contract or one of ${expected}, got ${JSON.stringify(event)?.slice(0, 64)}`,
  );
}

/** The size of a payload that waits. Throws INVALID_PAYLOAD for one that nests too deeply, or is binary. */
function bytesOf(payload: unknown): number {
  requireEncodable(payload, { binary: "refused" });
  return Buffer.byteLength(JSON.stringify(payload) ?? "");
}

/** Every request but `echo` names a room. */
function roomOf(payload: unknown): string | undefined {
  if (typeof payload !== "object" || payload === null || !("room" in payload)) return undefined;
  return typeof payload.room === "string" ? payload.room : undefined;
}
