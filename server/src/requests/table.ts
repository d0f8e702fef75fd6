import type { RequestData, RequestName, RequestPayload } from "@holdfast/client/protocol";
import type { Caller } from "./caller.ts";
import { echo } from "./echo.ts";
import { joinRoom } from "./join-room.ts";
import { leaveRoom } from "./leave-room.ts";
import type { RequestParts } from "./parts.ts";
import { publishMessage } from "./publish-message.ts";
import { readHistory } from "./read-history.ts";
import { refreshToken } from "./refresh-token.ts";
import type { Right } from "./rights.ts";
import { sendSignal } from "./send-signal.ts";
import type { Rate } from "./user-limits.ts";

interface Row<Name extends RequestName> {
  readonly handler: (
    parts: RequestParts,
    caller: Caller,
    payload: RequestPayload<Name>,
  ) => RequestData<Name> | Promise<RequestData<Name>>;
  /** Tokens of the connection's limit. */
  readonly cost: number;
  /** What the caller needs in the room that the payload names. */
  readonly right: Right;
  /** What it counts as for its user, on all connections together. */
  readonly counts?: Rate;
  /** Whether the answer may hold a page of the log, which the pace of a slow reader is measured by. */
  readonly isPage?: true;
}

/** The cost of a request whose answer may hold a whole page of the log. */
const pageCost = 10;

/** The cost of a request that has a signature verified, and Redis asked. */
const tokenCost = 5;

/** One row for each request of the protocol: a missing one does not compile. */
export const requestTable: { readonly [Name in RequestName]: Row<Name> } = {
  echo: { handler: echo, cost: 1, right: "none" },
  "room:join": { handler: joinRoom, cost: pageCost, right: "read", isPage: true },
  "room:leave": { handler: leaveRoom, cost: 1, right: "none" },
  "message:publish": { handler: publishMessage, cost: 1, right: "write", counts: "publishes" },
  "history:read": { handler: readHistory, cost: pageCost, right: "read", isPage: true },
  "signal:send": { handler: sendSignal, cost: 1, right: "write", counts: "signals" },
  "token:refresh": { handler: refreshToken, cost: tokenCost, right: "none" },
};

/** The cost of any event that a client sends: that of its row, and 1 for the application's own and unknown ones. */
export function costOf(event: unknown): number {
  return isRequestName(event) ? requestTable[event].cost : 1;
}

/** Whether the answer to this event may hold a page of the log. */
export function isPageRead(event: unknown): boolean {
  return isRequestName(event) && requestTable[event].isPage === true;
}

/** Socket.IO lets a number pass for an event's name, too. */
export function isRequestName(event: unknown): event is RequestName {
  return typeof event === "string" && Object.hasOwn(requestTable, event);
}
