import { messageId } from "./unique.ts";

/** What an HTTP route answers; every answer of the room API is JSON. */
export async function call(base: string, path: string, init: RequestInit = {}) {
  const answer = await fetch(`${base}${path}`, { ...init, signal: AbortSignal.timeout(10_000) });
  return { status: answer.status, headers: answer.headers, body: JSON.parse(await answer.text()) };
}

/** Publishes over HTTP; a text is sent as it stands. */
export function post(base: string, room: string, body: unknown, headers: Record<string, string> = {}) {
  return call(base, `/rooms/${encodeURIComponent(room)}/messages`, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
  });
}

/** The body of a publish. */
export const messageOf = (text: string, id = messageId()) => ({ id, event: "chat:message", data: { text } });
