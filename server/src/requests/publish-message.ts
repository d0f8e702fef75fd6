import type { RequestData, RequestPayload, Sender } from "@holdfast/client/protocol";
import { checkedData } from "../application/checked-data.ts";
import { RequestError } from "../errors.ts";
import { draftOf } from "../log/message-json.ts";
import type { RoomLog } from "../log/room-log.ts";
import type { Caller } from "./caller.ts";
import type { RequestParts } from "./parts.ts";
import { requireRight } from "./rights.ts";

type Parts = Pick<RequestParts, "schemas" | "hooks" | "waiting" | "telemetry"> & {
  readonly log: Pick<RoomLog, "append">;
};
type Payload = RequestPayload<"message:publish">;
type Answer = RequestData<"message:publish">;

/**
 * Puts a message into a room's log, from where it reaches every member: schema, the application's `beforePublish`, log.
 * The server's own side may publish `serverMessages` as well, and is not asked about. Answers after the append, so that
 * what is acknowledged is stored. Throws UNKNOWN_EVENT, FORBIDDEN, INVALID_PAYLOAD, PAYLOAD_TOO_LARGE, OUT_OF_ORDER,
 * RATE_LIMITED, what the hook refuses with, and UNAVAILABLE; after that one the message may be stored: sent again with
 * the same id, it is stored once.
 */
export async function publishMessage(parts: Parts, caller: Caller, payload: Payload): Promise<Answer> {
  const { identity, from } = caller;
  const { room, id, event } = payload;
  const { messages, allMessages } = parts.schemas.of(room);
  const isOfServerAlone = !Object.hasOwn(messages, event) && Object.hasOwn(allMessages, event);
  if (!identity.isTrusted && isOfServerAlone) {
    throw new RequestError("FORBIDDEN", `${event} may be published by the server's side alone`);
  }
  const { data, json } = checkedData("message", identity.isTrusted ? allMessages : messages, event, payload.data);
  // Their ids are often made from records, so that they can be guessed. A client that publishes something else with such
  // an id must not keep the server's message out.
  if (isOfServerAlone) return store(parts, from, { ...payload, id: `server:${id}` }, json);
  const { beforePublish } = parts.hooks;
  if (beforePublish === undefined || identity.isTrusted) return store(parts, from, payload, json);
  return parts.waiting.run(caller, Buffer.byteLength(json), () =>
    beforePublish({ room, id, event, data, ...from }, async (changedJson) => {
      // It has waited for its turn and for the hook, and the right may have ended meanwhile.
      await requireRight(identity, "write", room);
      return store(parts, from, payload, changedJson ?? json);
    }),
  );
}

async function store(
  { log, hooks, telemetry }: Parts,
  from: Sender,
  { room, id, event, after }: Payload,
  dataJson: string,
): Promise<Answer> {
  const draft = draftOf({ id, event, dataJson, from, sentAtMs: Date.now() }, after);
  const outcome = await log.append(room, draft);
  if (outcome === "out-of-order") {
    throw new RequestError("OUT_OF_ORDER", `the publish ${after} that this one follows is not stored`);
  }
  const { position, duplicate } = outcome;
  telemetry?.published(room, duplicate);
  // The application is notified of what this call has stored, and not of a repetition.
  if (!duplicate) hooks.onStored?.(room, position, draft);
  return { position, duplicate };
}
