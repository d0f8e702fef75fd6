import { limits, type RequestData, type RequestPayload, type Sender } from "@holdfast/client/protocol";
import { RequestError } from "../errors.ts";
import type { RoomLog } from "../log/room-log.ts";
import { publishMessage } from "../requests/publish-message.ts";
import type { Application, HookContext } from "./application.ts";
import { checkedData, jsonOf, requireBearable } from "./checked-data.ts";
import { runHook, Turns } from "./hooks.ts";
import { type ContractSchemas, parseBySchema } from "./schemas.ts";
import { createToldAfter } from "./told-after.ts";

export interface ApplicationParts<C> {
  readonly application: Application<C>;
  readonly schemas: ContractSchemas;
  readonly log: RoomLog;
  /** What every hook gets. */
  readonly context: Pick<HookContext<C>, "server" | "logger">;
}

/** Where the application's own code meets the requests of clients: its contract, its hooks, its own requests. */
export interface ApplicationHandlers {
  /** A client's publish: schema, then `beforePublish`, then the log. */
  publish(from: Sender, payload: RequestPayload<"message:publish">): Promise<RequestData<"message:publish">>;
  /** A publish of the server's own side: schema, then the log. */
  publishTrusted(from: Sender, payload: RequestPayload<"message:publish">): Promise<RequestData<"message:publish">>;
  /** Whether the contract names this request. */
  hasRequest(event: unknown): event is string;
  /** Answers one of the contract's own requests. */
  request(from: Sender, event: string, payload: unknown): Promise<unknown>;
}

export function createApplicationHandlers<C>(parts: ApplicationParts<C>): ApplicationHandlers {
  const { application, schemas, log, context } = parts;
  const { beforePublish } = application;
  const turns = new Turns();
  const onStored = createToldAfter(application, context);
  const requestHooks = (application.requests ?? {}) as Readonly<
    Record<string, ((payload: never, context: Sender & HookContext<C>) => unknown) | undefined>
  >;
  return {
    async publish(from, payload) {
      const { room, id, event } = payload;
      const { messages, allMessages } = schemas.of(room);
      if (!Object.hasOwn(messages, event) && Object.hasOwn(allMessages, event)) {
        throw new RequestError("FORBIDDEN", `${event} may be published by the server's side alone`);
      }
      const { data, json } = checkedData(messages, event, payload.data);
      if (beforePublish === undefined) return publishMessage(log, from, payload, json, onStored);
      const askedAtMs = performance.now();
      return turns.take(`${from.session} ${room}`, async () => {
        // Its sender has given this attempt up; what waits for a slow hook must not be stored ever later.
        if (performance.now() - askedAtMs > limits.acknowledgementTimeoutMs) {
          throw new RequestError("UNAVAILABLE", "earlier publishes took the application's beforePublish too long");
        }
        const attempt = { room, id, event, data, ...from };
        const changed = await runHook("beforePublish", context, (hook) => beforePublish(attempt, hook));
        return publishMessage(log, from, payload, changed === undefined ? json : changedJson(event, changed), onStored);
      });
    },

    async publishTrusted(from, payload) {
      const { json } = checkedData(schemas.of(payload.room).allMessages, payload.event, payload.data);
      return publishMessage(log, from, payload, json, onStored);
    },

    hasRequest: (event): event is string => typeof event === "string" && Object.hasOwn(schemas.requests, event),

    async request(from, event, payload) {
      const schema = schemas.requests[event];
      const hook = requestHooks[event];
      if (schema === undefined || hook === undefined) {
        throw new Error(`the contract names the request ${event}, and the application has no hook for it`);
      }
      requireBearable(payload, { binary: "refused" });
      const parsed = parseBySchema("payload", schema.payload, payload, event);
      const answer = await runHook(event, context, (hookContext) => hook(parsed as never, { ...from, ...hookContext }));
      try {
        return parseBySchema("answer", schema.answer, answer, event);
      } catch (cause) {
        throw new Error(`the application answered ${event} with what the contract does not allow`, { cause });
      }
    },
  };
}

/** What beforePublish returned is not parsed again, but only JSON can be stored: anything else is the application's fault. */
function changedJson(event: string, changed: unknown): string {
  try {
    requireBearable(changed, { binary: "refused" });
    if (JSON.stringify(changed) === undefined) throw new Error(`expected JSON, got a ${typeof changed}`);
  } catch (cause) {
    throw new Error(`beforePublish returned for ${event} what is not JSON`, { cause });
  }
  return jsonOf(changed);
}
