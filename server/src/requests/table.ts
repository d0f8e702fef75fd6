import type { RequestData, RequestName, RequestPayload } from "@holdfast/client/protocol";
import { requireBearable } from "../application/checked-data.ts";
import type { ApplicationHandlers } from "../application/handlers.ts";
import type { KnownPositions } from "../log/known-positions.ts";
import type { RoomLog } from "../log/room-log.ts";
import type { Caller } from "./caller.ts";
import { joinRoom } from "./join-room.ts";
import { leaveRoom } from "./leave-room.ts";
import { readHistory } from "./read-history.ts";
import { type SignalParts, sendSignal } from "./send-signal.ts";

/** One handler for every row of the request table: a missing one does not compile. */
export type RequestHandlers = {
  readonly [Name in RequestName]: (
    caller: Caller,
    payload: RequestPayload<Name>,
  ) => RequestData<Name> | Promise<RequestData<Name>>;
};

export interface RoomParts extends SignalParts {
  readonly log: RoomLog;
  readonly known: KnownPositions;
  readonly application: ApplicationHandlers;
}

export function createRequestHandlers({ log, known, signals, schemas, application }: RoomParts): RequestHandlers {
  return {
    echo: (_caller, payload) => {
      requireBearable(payload, { binary: "accepted" });
      return payload;
    },
    "room:join": (caller, payload) => joinRoom({ log, known }, caller, payload),
    "room:leave": (caller, payload) => leaveRoom(caller, payload),
    "message:publish": (caller, payload) => application.publish(caller.from, payload),
    "history:read": (caller, payload) => caller.reads.run((pageBytes) => readHistory(log, payload, pageBytes)),
    "signal:send": (caller, payload) => sendSignal({ signals, schemas }, caller, payload),
  };
}
