import { type Client, type ConnectOptions, connect } from "@holdfast/client";
import { defineContract } from "@holdfast/client/contract";
import { createServer, type Server } from "@holdfast/server";
import { createPublisher, settingsFrom } from "@holdfast/server/publisher";
import { createToken } from "@holdfast/server/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { examplesUnder, read } from "../support/markdown.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { ask, connectStock } from "../support/stock-client.ts";
import { messageId, uniquePrefix } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

// The inbox of a user, as the deployment guide's recipe uses it.

const contract = defineContract({
  messages: { "note:added": z.object({ text: z.string() }) },
  serverMessages: { "order:paid": z.object({ order: z.string() }) },
  signals: { "note:typing": z.object({}) },
});
type Shop = typeof contract;

const secret = "a-secret-of-at-least-thirty-two-bytes";
const everything = { "*": "read write" };
const keyPrefix = uniquePrefix();

let redis: RedisServer;
let servers: readonly Server<Shop>[];
const clients: Client<Shop>[] = [];
beforeAll(async () => {
  redis = await startRedis();
  const settings = { redisUrl: redis.url, keyPrefix, port: 0, drainSeconds: 0, auth: "token", tokenSecret: secret };
  servers = await Promise.all([0, 1].map(() => createServer<Shop>({ contract }, { settings })));
});
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await Promise.all(servers.map((server) => server.close()));
  await redis[Symbol.asyncDispose]();
});

const urlOf = (instance: number) => servers[instance]?.url ?? "";

async function connectAs(user: string, instance: number, rooms?: Record<string, string>): Promise<Client<Shop>> {
  const options: ConnectOptions = { token: await createToken({ secret, user, ...(rooms && { rooms }) }) };
  const client = connect<Shop>(urlOf(instance), options);
  clients.push(client);
  return client;
}

type Code = (...values: unknown[]) => Promise<void>;
const [backEnd = "", page = ""] = examplesUnder(read("server/README.md"), "## Notify a user", "js");

/** Runs an example of the guide, with what it takes for granted. */
async function runExample(example: string, given: Readonly<Record<string, unknown>>): Promise<void> {
  const body = example.replace(/^import .*$/gm, "");
  const AsyncFunction = (async () => undefined).constructor as new (...source: string[]) => Code;
  await new AsyncFunction(...Object.keys(given), body)(...Object.values(given));
}

/** The back end of the guide, when an order is paid. */
const pay = (user: string, number: string) => {
  const process = { env: { REDIS_URL: redis.url, KEY_PREFIX: keyPrefix } };
  return runExample(backEnd, { createPublisher, settingsFrom, contract, process, order: { user, number } });
};

/** A page of the guide, in a tab with a storage of its own. */
async function openTab(client: Client<Shop>, user: string, storage = new Map<string, string>()) {
  const shown: string[] = [];
  const localStorage = {
    getItem: (key: string) => storage.get(key) ?? null,
    setItem: (key: string, value: string) => void storage.set(key, value),
  };
  await runExample(page, { client, user, localStorage, show: (text: string) => shown.push(text) });
  return { shown, storage };
}

test("a back end notifies a user in all tabs and devices, also one that was away, and nobody else", async () => {
  const phone = await connectAs("ann", 0);
  const tabs = [await openTab(phone, "ann"), await openTab(await connectAs("ann", 1), "ann")];
  const others = await openTab(await connectAs("ben", 1, everything), "ben");
  await pay("ann", "17");
  await pay("ann", "17");
  await waitFor(() => tabs.every(({ shown }) => shown.length > 0), "both tabs to show it");

  // The phone goes, and comes back with what it has kept.
  await phone.close();
  await pay("ann", "18");
  await waitFor(() => tabs[1]?.shown.length === 2, "the tab that stayed to show the second order");
  const [first, second] = ["Order 17 is paid.", "Order 18 is paid."];
  expect(tabs.map(({ shown }) => shown)).toEqual([[first], [first, second]]);
  const again = await openTab(await connectAs("ann", 0), "ann", tabs[0]?.storage);
  const fresh = await openTab(await connectAs("ann", 0), "ann");
  await waitFor(() => again.shown.length > 0 && fresh.shown.length > 1, "what waited for the user");
  expect([again.shown, fresh.shown]).toEqual([[second], [first, second]]);
  expect(others.shown).toEqual([]);
});

test("nobody else joins an inbox, reads it or sees its members, whatever the claim says", async () => {
  const token = await createToken({ secret, user: "eve", rooms: { ...everything, "user:*": "read write" } });
  const room = "user:ann";
  using eve = await connectStock(urlOf(0), { token });
  const forbidden = { ok: false, error: { code: "FORBIDDEN" } };
  expect(await ask(eve, "room:join", { room })).toMatchObject(forbidden);
  expect(await ask(eve, "room:join", { room, since: "0-0", presence: true })).toMatchObject(forbidden);
  expect(await ask(eve, "history:read", { room })).toMatchObject(forbidden);
  expect(await ask(eve, "presence:list", { room })).toMatchObject(forbidden);
  for (const path of ["messages", "members"]) {
    const answer = await fetch(`${urlOf(1)}/rooms/${room}/${path}`, { headers: { authorization: `Bearer ${token}` } });
    expect(answer.status, path).toBe(403);
  }
});

test("others write to an inbox as their rights say, and cannot forge what the server's side says", async () => {
  const inbox = (await connectAs("carol", 0)).join("user:carol");
  const heard: unknown[] = [];
  inbox.on("note:added", ({ text }, { from }) => heard.push([text, from.user]));
  inbox.on("note:typing", (_, { from }) => heard.push(["typing", from.user]));
  await inbox.ready;
  const friend = await connectAs("ben", 1, everything);
  await friend.publish("user:carol", "note:added", { text: "hello" });
  await waitFor(() => heard.length === 1, "the note");
  friend.signal("user:carol", "note:typing", {});
  await waitFor(() => heard.length === 2, "the signal");
  expect(heard).toEqual([
    ["hello", "ben"],
    ["typing", "ben"],
  ]);
  using forger = await connectStock(urlOf(1), { token: await createToken({ secret, user: "ben", rooms: everything }) });
  const paid = { room: "user:carol", id: messageId(), event: "order:paid", data: { order: "1" } };
  expect(await ask(forger, "message:publish", paid)).toMatchObject({ error: { code: "FORBIDDEN" } });
  const stranger = await connectAs("eve", 1, { ...everything, "user:*": "" });
  await expect(stranger.publish("user:carol", "note:added", { text: "no" })).rejects.toMatchObject({
    code: "FORBIDDEN",
  });
});
