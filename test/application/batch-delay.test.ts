import { expect, test } from "vitest";
import { startRig } from "../support/application-rig.ts";
import { askData, collect } from "../support/stock-client.ts";
import { messageId, uniqueRoom } from "../support/unique.ts";

/** In how many packets a member got three messages: one that was acknowledged first, then two at a time. */
async function packetsOf(members: number): Promise<number[]> {
  await using rig = await startRig({}, { settings: { batchDelayMs: 300, maxConnectionsPerUser: 200 } });
  const room = uniqueRoom();
  const sockets = await Promise.all(Array.from({ length: members }, () => rig.stock()));
  await Promise.all(sockets.map((socket) => askData(socket, "room:join", { room })));
  const [publisher, reader] = sockets;
  if (publisher === undefined || reader === undefined) throw new Error("expected two members");
  using packets = collect(reader, "message:published");
  const publish = (text: string) =>
    askData(publisher, "message:publish", { room, id: messageId(), event: "note:added", data: { text } });
  await publish("first");
  await Promise.all([publish("second"), publish("third")]);
  await packets.waitFor(
    ({ messages }) => messages.some(({ data }) => (data as { text: string }).text === "third"),
    "all",
  );
  return packets.items.map(({ messages }) => messages.length);
}

test("with BATCH_DELAY_MS, what is published within it in a big room arrives in one packet", async () => {
  expect(await packetsOf(50)).toEqual([1, 2]);
});

test("a small room has no delay, whatever BATCH_DELAY_MS is", async () => {
  expect(await packetsOf(2)).toEqual([1, 1, 1]);
});
