import type { WireError } from "./errors.ts";
import type { NotificationName, NotificationPayload, RequestData, RequestName, RequestPayload } from "./events.ts";

/** Every request is answered by exactly one of these. */
export type Acknowledgement<Data> =
  | { readonly ok: true; readonly data: Data }
  | { readonly ok: false; readonly error: WireError };

/** Socket.IO's event map from client to server, derived from the request table. */
export type ClientToServerEvents = {
  [Name in RequestName]: (
    payload: RequestPayload<Name>,
    acknowledge?: (answer: Acknowledgement<RequestData<Name>>) => void,
  ) => void;
};

/** Socket.IO's event map from server to client, derived from the notification table. */
export type ServerToClientEvents = {
  [Name in NotificationName]: (payload: NotificationPayload<Name>) => void;
};
