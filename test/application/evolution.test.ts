import { type Client, type ConnectOptions, connect } from "@holdfast/client";
import { type Contract, defineContract, fitsContract } from "@holdfast/client/contract";
import { type Application, createServer, type Server } from "@holdfast/server";
import { afterAll, beforeAll, expect, expectTypeOf, test } from "vitest";
import * as z from "zod";
import { refusal } from "../support/application-rig.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { uniquePrefix, uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

// "How a team changes its contract" in the README, with real servers and clients of two contracts.

const first = defineContract({
  messages: { "task:added": z.object({ title: z.string() }), "task:moved": z.object({ to: z.string() }) },
  requests: { "task:count": { payload: z.object({}), answer: z.object({ open: z.int() }) } },
});

/** What the rule allows: an optional field, a form beside the old one, a new event, an optional payload, one more answer. */
const second = defineContract({
  messages: {
    "task:added": z.object({ title: z.string(), labels: z.array(z.string()).optional() }),
    "task:moved": z.union([z.object({ to: z.string() }), z.object({ column: z.string(), index: z.int() })]),
    "task:done": z.object({ title: z.string() }),
  },
  requests: {
    "task:count": {
      payload: z.object({ column: z.string().default("all") }),
      answer: z.object({ open: z.int(), done: z.int() }),
    },
  },
});

/** What the rule forbids: one name, another meaning. */
const replaced = defineContract({ messages: { "task:added": z.object({ task: z.object({ title: z.string() }) }) } });

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  await redis[Symbol.asyncDispose]();
});

function serve<C extends Contract>(application: Application<C>, keyPrefix: string): Promise<Server<C>> {
  return createServer(application, { settings: { port: 0, redisUrl: redis.url, keyPrefix, drainSeconds: 0 } });
}

/** A client that is closed with its scope. */
function open<C>(
  { url }: { readonly url: string },
  options: ConnectOptions = {},
): { readonly client: Client<C> } & AsyncDisposable {
  const client = connect<C>(url, options);
  return { client, [Symbol.asyncDispose]: () => client.close() };
}

/** What this test needs of a room, whatever its contract. */
interface Tells {
  on(event: "message", handler: (message: { readonly event: string; readonly data: unknown }) => void): unknown;
}

/** Every message that a room delivers from now on, as it comes. */
function record(room: Tells): [event: string, data: unknown][] {
  const told: [string, unknown][] = [];
  room.on("message", (message) => told.push([message.event, message.data]));
  return told;
}

test("a client of the first contract talks with a server and clients of the second", async () => {
  const requests = { "task:count": ({ column }: { column: string }) => ({ open: column.length, done: 2 }) };
  await using server = await serve({ contract: second, requests }, uniquePrefix());
  await using old = open<typeof first>(server);
  await using young = open<typeof second>(server);
  const name = uniqueRoom();
  const oldRoom = old.client.join(name);
  const youngRoom = young.client.join(name);
  const told = record(oldRoom);
  const titles: string[] = [];
  oldRoom.on("task:added", ({ title }) => titles.push(title));
  await Promise.all([oldRoom.ready, youngRoom.ready]);

  await oldRoom.publish("task:added", { title: "by the old one" });
  await oldRoom.publish("task:moved", { to: "done" });
  await youngRoom.publish("task:added", { title: "by the young one", labels: ["new"] });
  await youngRoom.publish("task:done", { title: "by the young one" });
  await waitFor(() => told.length === 4, "all messages at the old client");
  expect(told).toEqual([
    ["task:added", { title: "by the old one" }],
    ["task:moved", { to: "done" }],
    ["task:added", { title: "by the young one", labels: ["new"] }],
    ["task:done", { title: "by the young one" }],
  ]);
  expect(titles).toEqual(["by the old one", "by the young one"]);
  expect(await old.client.request("task:count", {})).toEqual({ open: "all".length, done: 2 });
});

test("a log that was written under the first contract is read by a client of the second", async () => {
  const keyPrefix = uniquePrefix();
  const name = uniqueRoom();
  await using server = await serve({ contract: first, requests: { "task:count": () => ({ open: 0 }) } }, keyPrefix);
  await server.publish(name, "task:added", { title: "old" });
  await server.publish(name, "task:moved", { to: "done" });
  await server.close();

  const requests = { "task:count": () => ({ open: 0, done: 0 }) };
  await using next = await serve({ contract: second, requests }, keyPrefix);
  await using young = open<typeof second>(next);
  const room = young.client.join(name, { history: 10 });
  const told = record(room);
  const columns: string[] = [];
  room.on("task:added", ({ labels }) => expectTypeOf(labels).toEqualTypeOf<string[] | undefined>());
  // The union makes the compiler ask for the form that the log still holds.
  room.on("task:moved", (data) => columns.push("to" in data ? data.to : `${data.column} ${data.index}`));
  await room.ready;
  await room.publish("task:moved", { column: "done", index: 3 });
  await waitFor(() => told.length === 3, "the log and the new message");
  expect(told[0]).toEqual(["task:added", { title: "old" }]);
  expect(columns).toEqual(["done", "done 3"]);
});

test("a default fills what is published from now on, not what the log holds", async () => {
  const keyPrefix = uniquePrefix();
  const name = uniqueRoom();
  await using server = await serve({ contract: defineContract({ messages: first.messages }) }, keyPrefix);
  await server.publish(name, "task:added", { title: "old" });
  const withDefault = defineContract({
    messages: { "task:added": z.object({ title: z.string(), labels: z.array(z.string()).default([]) }) },
  });
  await using next = await serve({ contract: withDefault }, keyPrefix);
  await next.publish(name, "task:added", { title: "new" });
  expect((await next.history(name)).messages.map(({ data }) => data)).toEqual([
    { title: "old" },
    { title: "new", labels: [] },
  ]);
});

test("clients that are deployed before the server are refused a new event, and lose a new field", async () => {
  await using server = await serve({ contract: defineContract({ messages: first.messages }) }, uniquePrefix());
  await using young = open<typeof second>(server);
  const name = uniqueRoom();
  const room = young.client.join(name);
  expect(await refusal(room.publish("task:done", { title: "too early" }))).toMatchObject({ code: "UNKNOWN_EVENT" });
  await room.publish("task:added", { title: "too early", labels: ["new"] });
  expect((await server.history(name)).messages.map(({ data }) => data)).toEqual([{ title: "too early" }]);
});

test("where a schema was replaced, the old form is refused by its field, and the log's old messages come as they were stored", async () => {
  const keyPrefix = uniquePrefix();
  const name = uniqueRoom();
  await using server = await serve({ contract: defineContract({ messages: first.messages }) }, keyPrefix);
  await server.publish(name, "task:added", { title: "old" });
  await server.publish(name, "task:moved", { to: "done" });

  await using next = await serve({ contract: replaced }, keyPrefix);
  await using old = open<typeof first>(next);
  expect(await refusal(old.client.join(name).publish("task:added", { title: "old" }))).toMatchObject({
    code: "INVALID_PAYLOAD",
    message: expect.stringContaining("data.task"),
  });
  await using young = open<typeof replaced>(next);
  const room = young.client.join(name, { history: 10 });
  const told = record(room);
  await room.ready;
  await room.publish("task:added", { task: { title: "new" } });
  await waitFor(() => told.length === 3, "the log and the new message");
  expect(told).toEqual([
    ["task:added", { title: "old" }],
    ["task:moved", { to: "done" }],
    ["task:added", { task: { title: "new" } }],
  ]);
  // No schema reaches a client by itself; one that brings its contract along is told what no longer fits.
  await using checking = open<typeof replaced>(next, { fits: fitsContract(replaced) });
  const checked = checking.client.join(name, { history: 10 });
  const misfits: unknown[] = [];
  const titles: string[] = [];
  checked.on("misfit", ({ event, data }) => misfits.push([event, data]));
  checked.on("task:added", ({ task }) => titles.push(task.title));
  const fitting = record(checked);
  await waitFor(() => titles.length === 1, "the message that fits, which is the last one");
  expect(titles).toEqual(["new"]);
  // What the contract does not name may be a newer server's, and is no misfit.
  expect(misfits).toEqual(told.slice(0, 1));
  expect(fitting).toEqual(told.slice(1));
  expect(checked.position).toBe(room.position);
});
