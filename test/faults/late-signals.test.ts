import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Instances, startInstances } from "../support/instances.ts";
import { ask, askData, type Collected, collect, connectStock, type StockSocket } from "../support/stock-client.ts";
import { uniqueRoom } from "../support/unique.ts";
import { timePasses, waitFor } from "../support/wait.ts";

// A signal that waited for something that stood still is not delivered when that goes on.

/** Longer than a signal may be on its way, shorter than what ends the connections of clients. */
const standstillMs = 4_000;
/** The same, and too short for an instance to replace its connections to Redis. */
const redisStandstillMs = 2_500;

let instances: Instances;
let sender: StockSocket;
let member: StockSocket;
let heard: Collected<"signal:sent">;
let room = "";
beforeAll(async () => {
  instances = await startInstances(2);
  [sender, member] = await Promise.all([connectStock(instances.url(0)), connectStock(instances.url(1))]);
  heard = collect(member, "signal:sent");
});
beforeEach(async () => {
  room = uniqueRoom();
  for (const socket of [sender, member]) await askData(socket, "room:join", { room });
  // A signal on its own shows that all is well before the fault.
  await until(0);
});
afterAll(async () => {
  sender.disconnect();
  member.disconnect();
  await instances[Symbol.asyncDispose]();
});

const signal = (x: number) => ({ room, event: "chat:cursor", data: { x, y: 0 } });
const places = () =>
  heard.items.filter((item) => item.room === room).map(({ data }) => (data as { readonly x: number }).x);

/** Sends a place again until the member has it: for a moment after a fault signals may be refused. */
async function until(x: number): Promise<void> {
  await waitFor(async () => (await ask(sender, "signal:send", signal(x))).ok && places().includes(x), `place ${x}`);
}

/** Sends while something stands still; what becomes of it does not matter to the sender. */
async function sendWhile(freeze: () => void, thaw: () => void, forMs = standstillMs): Promise<void> {
  const connections = [sender.id, member.id];
  freeze();
  for (let x = 1; x <= 20; x += 1) sender.emit("signal:send", signal(x));
  // What the scene is made of: so long, nothing moves.
  await timePasses(forMs);
  thaw();
  await until(100);
  expect(new Set(places())).toEqual(new Set([0, 100]));
  expect([sender.id, member.id]).toEqual(connections);
}

test("signals that Redis held back while it stood still reach nobody", async () => {
  const { redis } = instances;
  await sendWhile(
    () => redis.freeze(),
    () => redis.thaw(),
    redisStandstillMs,
  );
});

test("signals that lay in the buffer of their receiver's instance reach nobody", async () => {
  const server = instances.servers[1];
  await sendWhile(
    () => server?.freeze(),
    () => server?.thaw(),
  );
});

test("signals that lay in the buffer of their sender's instance reach nobody", async () => {
  const server = instances.servers[0];
  await sendWhile(
    () => server?.freeze(),
    () => server?.thaw(),
  );
});
