import { connect } from "@holdfast/client";
import { SignJWT } from "jose";
import { expect, test } from "vitest";
import { numbered, record, startRig } from "../support/client-rig.ts";
import { messageId, uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

test("a publish with an id of one's own is stored once, and its message carries the id", async () => {
  await using rig = await startRig();
  const room = rig.connect().join(uniqueRoom());
  const recording = record(room);
  const id = messageId();
  const first = await room.publish("chat:message", { text: "mine" }, { id });
  expect(first.duplicate).toBe(false);
  expect(await room.publish("chat:message", { text: "again" }, { id })).toEqual({ ...first, duplicate: true });
  await recording.has("mine");
  expect(recording.messages.map((message) => [message.id, message.position])).toEqual([[id, first.position]]);
});

test("older messages are read page by page, apart from what is delivered", async () => {
  await using rig = await startRig();
  const room = rig.connect().join(uniqueRoom());
  const texts = numbered(0, 7);
  for (const text of texts) await room.publish("chat:message", { text });
  const read: string[] = [];
  let page = await room.history({ limit: 3 });
  for (;;) {
    read.unshift(...page.messages.map(({ data }) => (data as { text: string }).text));
    const [oldest] = page.messages;
    if (oldest === undefined) break;
    page = await room.history({ before: oldest.position, limit: 3 });
  }
  expect(read).toEqual(texts);
  await expect(room.history({ limit: 0 })).rejects.toMatchObject({ code: "INVALID_PAYLOAD" });
});

test("a question is refused by a server that does not know it, and at once while there is no connection", async () => {
  await using rig = await startRig();
  const [server] = rig.servers;
  if (server === undefined) throw new Error("expected a server");
  const client = connect(server.url);
  await expect(client.request("poll:close", {})).rejects.toMatchObject({ code: "DISCONNECTED", retryable: true });
  await waitFor(() => client.status === "connected", "the client to be connected");
  await expect(client.request("poll:close", {})).rejects.toMatchObject({ code: "UNKNOWN_EVENT", retryable: false });
  await client.close();
  await expect(client.request("poll:close", {})).rejects.toMatchObject({ code: "CLOSED" });
});

test("a token may be a text", async () => {
  const secret = "a secret of at least thirty-two characters";
  await using rig = await startRig({ env: { AUTH: "token", TOKEN_SECRET: secret } });
  const token = await new SignJWT({ sub: "ann", rooms: { "*": "read write" } })
    .setProtectedHeader({ alg: "HS256" })
    .setExpirationTime("1 hour")
    .sign(new TextEncoder().encode(secret));
  const room = rig.connect({ token }).join(uniqueRoom());
  const recording = record(room);
  await room.publish("chat:message", { text: "signed" });
  await recording.has("signed");
  expect(recording.messages[0]?.from.user).toBe("ann");
});
