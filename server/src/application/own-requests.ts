import { limits } from "@holdfast/client/protocol";
import type { Application, Asker, AskingConnection, HookContext } from "./application.ts";
import { requireEncodable } from "./checked-data.ts";
import { runHook } from "./hooks.ts";
import { type ContractSchemas, parseBySchema } from "./schemas.ts";

/** The requests that the application's contract names beside those of the protocol. */
export interface OwnRequests {
  /** Whether the contract names this request. */
  has(event: unknown): event is string;
  /** Lets the application answer. Throws TOKEN_EXPIRED, INVALID_PAYLOAD, and what its hook refuses with. */
  answer(caller: OwnCaller, event: string, payload: unknown): Promise<unknown>;
}

/** Who asks. */
interface OwnCaller {
  readonly identity: Omit<Asker, "can" | "connection"> & {
    requireCurrent(): void;
    may(room: string, action: "read" | "write"): boolean | Promise<boolean>;
  };
  readonly carrier?: AskingConnection | undefined;
}

export function createOwnRequests<C>(
  { requests }: Pick<Application<C>, "requests">,
  schemas: ContractSchemas,
  context: Pick<HookContext<C>, "server" | "logger">,
): OwnRequests {
  const hooks = (requests ?? {}) as Readonly<
    Record<string, ((payload: never, context: Asker & HookContext<C>) => unknown) | undefined>
  >;
  return {
    has: (event): event is string => typeof event === "string" && Object.hasOwn(schemas.requests, event),

    async answer({ identity, carrier }, event, payload) {
      const schema = schemas.requests[event];
      const hook = hooks[event];
      if (schema === undefined || hook === undefined) {
        throw new Error(`the contract names the request ${event}, and the application has no hook for it`);
      }
      if (carrier === undefined) throw new Error("only a connection can ask the application's own requests");
      identity.requireCurrent();
      requireEncodable(payload, { binary: "refused" });
      const parsed = parseBySchema("payload", schema.payload, payload, event);
      const { user, session, claims } = identity;
      const asker: Asker = {
        user,
        session,
        claims,
        can: async (room, action) => identity.may(room, action),
        connection: carrier,
      };
      const answer = await runHook(event, context, (hookContext) =>
        hook(parsed as never, { ...asker, ...hookContext }),
      );
      try {
        return requireAnswerSize(parseBySchema("answer", schema.answer, answer, event));
      } catch (cause) {
        throw new Error(`the application answered ${event} with what is not allowed`, { cause });
      }
    },
  };
}

/** An answer waits in memory for its reader, as a page of the log does. Throws a sentence for one that is too large. */
function requireAnswerSize(answer: unknown): unknown {
  const bytes = Buffer.byteLength(JSON.stringify(answer) ?? "");
  if (bytes > limits.answerBytes) throw new Error(`expected at most ${limits.answerBytes} bytes of JSON, got ${bytes}`);
  return answer;
}
