import type { HonoRequest } from "hono";
import { OverLimit, RequestError } from "../errors.ts";

/**
 * How long a body may take to arrive. Node.js would wait for five minutes. It concerns our own routes, whose bodies are
 * small; what an application's routes read is theirs to bound.
 */
const bodyTimeoutMs = 15_000;

/** A body that takes too long. It is answered with 408, and its connection is closed. */
export class SlowBody extends OverLimit {}

/**
 * The JSON of a request's body; undefined where it is none. Throws PAYLOAD_TOO_LARGE as soon as more than `maxBytes` have
 * come, whether the length was announced or not, and a SlowBody.
 *
 * Hono's `bodyLimit` hands a body of unknown length on in a new Request that it makes of this one. It cannot make one of the
 * lightweight Request of `@hono/node-server`, unless the process's own Request is replaced, which a library must not do.
 */
export async function jsonBody({ raw }: HonoRequest, maxBytes: number): Promise<unknown> {
  // What is announced and too large is refused before it is read.
  if (Number(raw.headers.get("content-length")) > maxBytes) throw tooLarge(maxBytes);
  try {
    return JSON.parse(await textWithin(raw.body, maxBytes));
  } catch (error) {
    if (error instanceof RequestError) throw error;
    // It is no JSON, or its sender has gone in the middle of it and waits for no answer.
    return undefined;
  }
}

async function textWithin(body: ReadableStream<Uint8Array> | null, maxBytes: number): Promise<string> {
  if (body === null) return "";
  const reader = body.getReader();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    // It ends the read that is under way.
    reader.cancel().catch(() => undefined);
  }, bodyTimeoutMs);
  try {
    const decoder = new TextDecoder();
    let [text, bytes] = ["", 0];
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      bytes += read.value.byteLength;
      if (bytes > maxBytes) throw tooLarge(maxBytes);
      text += decoder.decode(read.value, { stream: true });
    }
    if (isLate) throw new SlowBody("body time", "UNAVAILABLE", `expected the body within ${bodyTimeoutMs} ms`);
    return text + decoder.decode();
  } finally {
    clearTimeout(timer);
  }
}

function tooLarge(maxBytes: number): OverLimit {
  return new OverLimit("body", "PAYLOAD_TOO_LARGE", `expected a body of at most ${maxBytes} bytes`);
}
