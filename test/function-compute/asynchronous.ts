import { randomUUID } from "node:crypto";
import { type IncomingMessage, request, type ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { Emitter } from "./events.ts";
import { platformHeaders, requestHeaders } from "./headers.ts";
import { instanceHost } from "./instance.ts";
import type { Pool } from "./pool.ts";

/** How often a call is repeated that failed by the function's fault, and how long after. */
const repeats = 2;
const repeatAfterMs = 200;

/** Whether a caller asks that nobody waits for the answer. */
export function isAsynchronous({ headers }: IncomingMessage): boolean {
  return headers["x-fc-invocation-type"]?.toString().toLowerCase() === "async";
}

/**
 * An asynchronous invocation: the caller gets 202 at once, and the request goes to an instance later, again when that
 * fails. Rejects with what the pool refuses.
 */
export async function invokeLater(
  pool: Pool,
  events: Emitter,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const requestId = randomUUID();
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  outgoing.writeHead(202, { "X-Fc-Request-Id": requestId, "Content-Length": "0" }).end();
  for (let attempt = 0; attempt <= repeats; attempt += 1) {
    const { instanceId, status } = await deliver(pool, incoming, body, requestId);
    const { method = "", url = "" } = incoming;
    events.emit("request:ended", { requestId, instanceId, method, url, status });
    if (status < 500) return;
    await delay(repeatAfterMs, undefined, { ref: false });
  }
}

/** The platform decides whether the instance is told. */
function withoutMark(raw: readonly string[]): string[] {
  const isMark = (name: string | undefined) => name?.toLowerCase() === "x-fc-invocation-type";
  return raw.filter((text, index) => !isMark(index % 2 === 0 ? text : raw[index - 1]));
}

async function deliver(
  pool: Pool,
  { method = "POST", url = "/", rawHeaders }: IncomingMessage,
  body: Buffer,
  id: string,
) {
  const instance = await pool.acquire(AbortSignal.timeout(30_000));
  const { settings } = instance.version;
  try {
    const status = await new Promise<number>((resolve) => {
      const asked = request({
        host: instanceHost,
        port: instance.port,
        method,
        path: url,
        headers: [
          ...withoutMark(requestHeaders(rawHeaders, settings)),
          ...(settings.asynchronous === "told" ? ["x-fc-invocation-type", "Async"] : []),
          ...platformHeaders(settings, { id, controlPath: "/http-invoke", kind: "plain" }),
        ],
        agent: false,
      });
      asked.once("response", (answer) => {
        answer.resume();
        answer.once("close", () => resolve(answer.statusCode ?? 502));
      });
      asked.once("error", () => resolve(502));
      asked.end(body);
    });
    return { instanceId: instance.id, status };
  } finally {
    pool.release(instance, { clientAborted: false });
  }
}
