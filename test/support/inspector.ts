import { WebSocket } from "ws";
import * as z from "zod";
import type { ServerProcess } from "./server-process.ts";
import { waitFor, withTimeout } from "./wait.ts";

const answerShape = z.object({ id: z.number(), result: z.record(z.string(), z.unknown()).optional() });
const numberShape = z.object({ result: z.object({ value: z.number() }) });

/** Node.js' arguments with which a process can be inspected, on a port that the system chooses. */
export const inspectable = ["--inspect=127.0.0.1:0"];

/**
 * Bytes of a process' heap and of the buffers outside of it, after its garbage was collected. This and not the resident
 * memory tells whether something is kept: an allocator seldom gives back to the system what was freed.
 */
export function keptBytes(server: ServerProcess): Promise<number> {
  return inspect(server, async (ask) => {
    await ask("HeapProfiler.collectGarbage");
    return evaluated(ask, "(({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())");
  });
}

/** What an expression is inside a process, which has to be a number. */
export function evaluate(server: ServerProcess, expression: string): Promise<number> {
  return inspect(server, (ask) => evaluated(ask, expression));
}

type Ask = (method: string, params?: object) => Promise<unknown>;

async function evaluated(ask: Ask, expression: string): Promise<number> {
  return numberShape.parse(await ask("Runtime.evaluate", { expression, returnByValue: true })).result.value;
}

async function inspect<Result>(server: ServerProcess, talk: (ask: Ask) => Promise<Result>): Promise<Result> {
  const address = await waitFor(
    () => /ws:\/\/127\.0\.0\.1:\d+\/\S+/.exec(server.output)?.[0],
    "the inspector's address",
  );
  const webSocket = new WebSocket(address, { perMessageDeflate: false });
  try {
    await withTimeout(new Promise((resolve) => webSocket.once("open", resolve)), "the inspector");
    let nextId = 0;
    return await talk((method, params = {}) => {
      nextId += 1;
      const id = nextId;
      const answered = new Promise<unknown>((resolve) =>
        webSocket.on("message", (bytes: Buffer) => {
          const answer = answerShape.parse(JSON.parse(bytes.toString()));
          if (answer.id === id) resolve(answer.result);
        }),
      );
      webSocket.send(JSON.stringify({ id, method, params }));
      return withTimeout(answered, `the inspector to answer ${method}`, 30_000);
    });
  } finally {
    webSocket.terminate();
  }
}
