import { fileURLToPath } from "node:url";
import { connect } from "@holdfast/client";
import type { PublishAttempt } from "@holdfast/server";
import { createTestServer } from "@holdfast/server/testing";
import { decodeJwt } from "jose";
import { io } from "socket.io-client";
import { expect, test } from "vitest";
import { ManagedProcess } from "../support/managed-process.ts";
import { startRedis } from "../support/redis-server.ts";
import { waitFor, withTimeout } from "../support/wait.ts";
import { auction } from "./auction.ts";

test("a test server runs an application, and its clients are typed by the contract", async () => {
  const attempts: PublishAttempt[] = [];
  await using rig = await createTestServer({
    contract: auction,
    beforePublish: (attempt) => {
      attempts.push(attempt);
    },
  });
  const ann = await rig.connect({ user: "ann" });
  const bob = await rig.connect({ user: "bob" });
  const sold: string[] = [];
  const bids: [number, string | null][] = [];
  const room = bob.join("lot-1");
  room.on("bid:placed", ({ amount }, { from }) => bids.push([amount, from.user]));
  room.on("lot:sold", ({ to }) => sold.push(to));
  await room.ready;

  await ann.join("lot-1").publish("bid:placed", { amount: 12 });
  await rig.publish("lot-1", "lot:sold", { to: "ann" });

  await waitFor(() => sold.length > 0, "bob to hear that the lot is sold");
  expect(bids).toEqual([[12, "ann"]]);
  expect(attempts).toMatchObject([{ room: "lot-1", event: "bid:placed", user: "ann" }]);
});

test("clients without a user get one each, and none where the server is anonymous", async () => {
  await using rig = await createTestServer({ contract: auction });
  const authors = [await rig.connect(), await rig.connect()].map(async (client) => {
    await client.join("lot").publish("bid:placed", { amount: 1 });
  });
  await Promise.all(authors);
  const { messages } = await rig.history("lot");
  expect(messages.map(({ from }) => from.user).toSorted()).toEqual(["user-1", "user-2"]);

  await using open = await createTestServer({ contract: auction }, { settings: { auth: "anonymous" } });
  const client = await open.connect();
  await client.join("lot").publish("bid:placed", { amount: 1 });
  expect((await open.history("lot")).messages).toMatchObject([{ from: { user: null } }]);
  await expect(open.connect({ user: "ann" })).rejects.toThrow(/anonymous/);
});

test("move hands every client over to another connection without any effect on the application", async () => {
  await using rig = await createTestServer({ contract: auction });
  const ann = await rig.connect({ user: "ann" });
  const bob = await rig.connect({ user: "bob" });
  const statuses: string[] = [];
  ann.on("status", (status) => statuses.push(status));
  const amounts: number[] = [];
  const room = ann.join("lot");
  room.on("bid:placed", ({ amount }) => amounts.push(amount));
  room.on("gap", () => amounts.push(Number.NaN));
  await room.ready;
  const expected = Array.from({ length: 100 }, (_, index) => index + 1);
  const published = expected.map((amount) => bob.join("lot").publish("bid:placed", { amount }));

  await rig.move();

  expect(statuses).toEqual(["moving", "connected"]);
  await Promise.all(published);
  await waitFor(() => amounts.length >= expected.length, "ann to have all bids");
  expect(amounts).toEqual(expected);
});

test("cut ends every connection without notice, and resolves when the clients are back in their rooms", async () => {
  await using rig = await createTestServer({ contract: auction });
  const ann = await rig.connect({ user: "ann" });
  const statuses: string[] = [];
  ann.on("status", (status) => statuses.push(status));
  const amounts: number[] = [];
  const room = ann.join("lot");
  room.on("bid:placed", ({ amount }) => amounts.push(amount));
  room.on("gap", () => amounts.push(Number.NaN));
  await room.ready;
  await rig.publish("lot", "bid:placed", { amount: 1 });
  const cut = rig.cut();
  await rig.publish("lot", "bid:placed", { amount: 2 });
  await cut;
  expect(statuses).toEqual(["reconnecting", "connected"]);
  await rig.publish("lot", "bid:placed", { amount: 3 });
  await waitFor(() => amounts.includes(3), "ann to have the last bid");
  expect(amounts).toEqual([1, 2, 3]);
});

test("loseData empties Redis, and resolves when every member of a room with messages got a gap", async () => {
  await using rig = await createTestServer({ contract: auction });
  const ann = await rig.connect({ user: "ann" });
  const bob = await rig.connect({ user: "bob" });
  const told: string[] = [];
  for (const [name, client] of Object.entries({ ann, bob })) {
    for (const roomName of ["lot", "quiet"]) {
      const room = client.join(roomName);
      room.on("gap", () => told.push(`${name}: gap in ${roomName}`));
      room.on("bid:placed", ({ amount }) => told.push(`${name}: ${amount}`));
      await room.ready;
    }
  }
  const left = bob.join("left");
  await left.publish("bid:placed", { amount: 5 });
  await left.leave();
  await rig.publish("lot", "bid:placed", { amount: 1 });
  await waitFor(() => told.length === 2, "both to have the bid");

  await rig.loseData();
  expect(told.slice(2).toSorted()).toEqual(["ann: gap in lot", "bob: gap in lot"]);
  expect((await rig.history("lot")).messages).toEqual([]);

  await rig.publish("lot", "bid:placed", { amount: 2 });
  await waitFor(() => told.length === 6, "both to have the next bid");
  await rig.loseData();
  expect(told.slice(4).toSorted()).toEqual(["ann: 2", "ann: gap in lot", "bob: 2", "bob: gap in lot"]);
});

test("a Redis that the test names is not emptied", async () => {
  await using redis = await startRedis();
  const options = { settings: { redisUrl: redis.url } };
  await using rig = await createTestServer({ contract: auction }, options);
  await using other = await createTestServer({ contract: auction }, options);
  await rig.publish("lot", "bid:placed", { amount: 1 });
  await expect(rig.loseData()).rejects.toThrow(/leave redisUrl out/);
  expect((await rig.history("lot")).messages).toHaveLength(1);
  // On one Redis each server has keys of its own.
  expect((await other.history("lot")).messages).toEqual([]);
});

test("expire lets the tokens of one user end, whose clients go on with a new one and without a cut", async () => {
  await using rig = await createTestServer({ contract: auction });
  const ann = await rig.connect({ user: "ann", rooms: { lot: "read write" } });
  const bob = await rig.connect({ user: "bob" });
  const statuses: string[] = [];
  ann.on("status", (status) => statuses.push(`ann: ${status}`));
  bob.on("status", (status) => statuses.push(`bob: ${status}`));
  await ann.join("lot").ready;
  await rig.expire("ann");
  expect(statuses.filter((status) => status !== "ann: moving" && status !== "ann: connected")).toEqual([]);
  await ann.join("lot").publish("bid:placed", { amount: 4 });
  expect((await rig.history("lot")).messages).toMatchObject([{ from: { user: "ann" } }]);
});

test("a connection whose client has no new token is closed when the grace after expire is over", {
  timeout: 20_000,
}, async () => {
  await using rig = await createTestServer({ contract: auction });
  const socket = io(rig.url, {
    transports: ["websocket"],
    reconnection: false,
    auth: { protocol: 1, session: "a-session-of-a-test", token: await rig.token({ user: "ann" }) },
  });
  const told = new Promise((resolve) => socket.on("connection:expiring", resolve));
  const closed = new Promise((resolve) => socket.on("disconnect", resolve));
  await new Promise<void>((resolve) => socket.on("connect", () => resolve()));
  await rig.expire("ann");
  expect(await withTimeout(told, "the notice")).toMatchObject({ reason: "token" });
  expect(await withTimeout(closed, "the end of the grace", 15_000)).toBe("io server disconnect");
});

test("test servers of one process share nothing", async () => {
  const [first, second] = await Promise.all([
    createTestServer({ contract: auction }),
    createTestServer({ contract: auction }),
  ]);
  await using one = first;
  await using other = second;
  await one.publish("lot", "bid:placed", { amount: 1 });
  expect((await other.history("lot")).messages).toEqual([]);
  // A token of the one is none of the other.
  const stranger = connect<typeof auction>(other.url, { token: () => one.token({ user: "ann" }) });
  const refused = new Promise((resolve) => stranger.on("error", resolve));
  expect(await withTimeout(refused, "the refusal")).toMatchObject({ code: "UNAUTHENTICATED" });
  expect(decodeJwt(await one.token({ user: "ann", rooms: { lot: "read" } }))).toMatchObject({
    sub: "ann",
    rooms: { lot: "read" },
  });
  await stranger.close();
});

test("a process that closes its test server ends by itself", async () => {
  await using child = new ManagedProcess({
    command: process.execPath,
    args: ["--no-warnings", fileURLToPath(new URL("./run-test-server.mjs", import.meta.url))],
    env: { PATH: process.env.PATH },
  });
  expect(await withTimeout(child.exit, "the process to end by itself"), child.output).toEqual({
    code: 0,
    signal: null,
  });
  expect(child.output).toBe("closed\n");
});
