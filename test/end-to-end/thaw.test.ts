import { expect, test } from "vitest";
import type { FunctionCompute } from "../function-compute/index.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { askData, collect, connectStock } from "../support/stock-client.ts";
import { messageId, uniqueRoom } from "../support/unique.ts";
import { timePasses, waitFor } from "../support/wait.ts";
import { type HalfOpenRelay, startHalfOpenRelay } from "./half-open-relay.ts";
import { type Deployment, type DeployOptions, deploy, inspect, post } from "./rig.ts";

/** Longer than the 2 s after which a server that runs probes an idle link, so that only a freeze meets it. */
const redisTimeoutSeconds = 3;
/** Long enough for a server to notice that it slept: its probe is due every 2 s, and was then missed by more than 1 s. */
const freezeMs = 4_000;

/** One instance, and a Redis that ends idle links. */
async function deployOne(options: DeployOptions = {}): Promise<Deployment> {
  const deployment = await deploy({ ...options, settings: { maxInstances: 1 } });
  await using admin = await inspect(deployment.redis);
  await admin.client.configSet("timeout", String(redisTimeoutSeconds));
  return deployment;
}

/** Connects, joins, publishes and receives with a client that repeats nothing: the first answer counts. */
async function useRoom(fc: FunctionCompute, room: string, text: string): Promise<void> {
  using socket = await connectStock(fc.url);
  using published = collect(socket, "message:published");
  expect(await askData(socket, "room:join", { room })).toMatchObject({ complete: true });
  const data = { text };
  const { position } = await askData(socket, "message:publish", { room, id: messageId(), event: "chat:message", data });
  await published.waitFor(({ messages }) => messages.some((message) => message.position === position), "its own");
}

/** Uses the instance, and waits until it is frozen. */
async function freezeAfter(fc: FunctionCompute, use: () => Promise<unknown>): Promise<void> {
  const frozen = fc.events.next("instance:frozen");
  await use();
  await frozen;
}

/** Waits until Redis' own time-out has ended the idle link, and then ends the links that the time-out spares. */
async function killLinks(redis: RedisServer): Promise<void> {
  await using admin = await inspect(redis);
  const links = async () => (await admin.client.sendCommand(["CLIENT", "LIST"])) as string;
  await waitFor(async () => !(await links()).includes("name=holdfast-commands"), "Redis to end the idle link");
  for (const type of ["pubsub", "normal"]) await admin.client.sendCommand(["CLIENT", "KILL", "TYPE", type]);
  expect(await links()).not.toContain("name=holdfast-");
}

test("an instance whose links Redis killed in a freeze answers the first HTTP publish after it", async () => {
  await using deployment = await deployOne();
  const { fc, redis } = deployment;
  const room = uniqueRoom();
  await freezeAfter(fc, () => post(fc, room, messageId(), "before the freeze"));
  await killLinks(redis);
  const thawed = fc.events.next("instance:thawed");
  const answer = await post(fc, room, messageId(), "after the freeze");
  expect((await thawed).frozenMs).toBeGreaterThan(redisTimeoutSeconds * 1000);
  expect(answer.status).toBe(201);
  expect(await answer.json()).toMatchObject({ position: expect.stringMatching(/-1$/), duplicate: false });
});

test("an instance whose links Redis killed in a freeze serves the first WebSocket after it", async () => {
  await using deployment = await deployOne();
  const { fc, redis } = deployment;
  const room = uniqueRoom();
  // It is frozen in the middle of its goodbye, with a subscription of which Redis then knows nothing any more.
  await freezeAfter(fc, () => useRoom(fc, room, "before the freeze"));
  await killLinks(redis);
  await useRoom(fc, room, "after the freeze");
});

test.each<[string, (fc: FunctionCompute, room: string) => Promise<void>]>([
  [
    "HTTP publish",
    async (fc, room) => {
      expect((await post(fc, room, messageId(), "after the freeze")).status).toBe(201);
    },
  ],
  ["WebSocket", (fc, room) => useRoom(fc, room, "after the freeze")],
])("an instance whose links became half-open in a freeze serves the first %s after it", async (_what, use) => {
  let relay: HalfOpenRelay | undefined;
  await using deployment = await deployOne({
    redisUrl: async (port) => {
      relay = await startHalfOpenRelay(port);
      return `redis://127.0.0.1:${relay.port}`;
    },
  });
  const { fc } = deployment;
  const room = uniqueRoom();
  await freezeAfter(fc, () => useRoom(fc, room, "before the freeze"));
  await using line = relay;
  line?.forget();
  // So long the instance is frozen.
  await timePasses(freezeMs);
  await use(fc, room);
});
