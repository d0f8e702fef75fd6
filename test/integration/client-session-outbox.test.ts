import { afterEach, expect, test, vi } from "vitest";
import { connectChat } from "../support/chat.ts";
import { record, startRig } from "../support/client-rig.ts";
import { uniqueRoom } from "../support/unique.ts";

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

test("what an earlier load left is stored without its room being joined, before what is published to it now", async () => {
  await using rig = await startRig();
  const url = `http://127.0.0.1:${rig.relay.port}`;
  const [name, other] = [uniqueRoom(), uniqueRoom()];
  const kept = { room: name, id: "message-1", event: "chat:message", data: { text: "left" }, calledAtMs: Date.now() };
  storage({ [`holdfast ${url} a-session-of-the-test 0`]: JSON.stringify(kept) });
  const client = rig.connect({ outbox: "session", onlineHint: new EventTarget() });
  await Promise.all(
    ["one", "two"].flatMap((text) => [name, other].map((room) => client.publish(room, "chat:message", { text }))),
  );
  const reader = rig.connect();
  const recordings = [name, other].map((room) => record(reader.join(room, { history: 10 })));
  await Promise.all(recordings.map((recording) => recording.has("two")));
  expect(recordings.map(({ texts }) => texts())).toEqual([
    ["left", "one", "two"],
    ["one", "two"],
  ]);
});
