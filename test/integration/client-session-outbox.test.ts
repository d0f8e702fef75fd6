import { afterEach, expect, test, vi } from "vitest";
import { connectChat } from "../support/chat.ts";

afterEach(() => void vi.unstubAllGlobals());

/** The storage of a tab. */
function storage(initial: Record<string, string>) {
  const store: Record<string, string> = { ...initial };
  const methods = {
    getItem: (key: string) => store[key] ?? null,
    removeItem: (key: string) => void delete store[key],
    setItem(key: string, value: string) {
      store[key] = value;
    },
  };
  for (const [name, value] of Object.entries(methods)) Object.defineProperty(store, name, { value });
  vi.stubGlobal("sessionStorage", store);
  return store;
}

test("a client that is closed at once has forgotten what an earlier load of the page left, and the session", async () => {
  const url = "http://127.0.0.1:1";
  const session = "a-session-of-the-test";
  const kept = { room: "lobby", id: "message-1", event: "chat:message", data: { text: "x" }, calledAtMs: Date.now() };
  const store = storage({
    [`holdfast ${url}`]: session,
    [`holdfast ${url} ${session} 0`]: JSON.stringify(kept),
    "of another": "application",
  });
  const page = new EventTarget();
  const client = connectChat(url, { outbox: "session", onlineHint: page });
  expect(client.session).toBe(session);
  await client.close();
  page.dispatchEvent(new Event("pagehide"));
  expect(store).toEqual({ "of another": "application" });
  expect(client.waiting).toBe(0);
});
