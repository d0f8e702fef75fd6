import { expect, test } from "vitest";
import { assembleServer } from "../../server/src/create-server.ts";
import { startRedis } from "../support/redis-server.ts";
import { askData, collect, connectStock } from "../support/stock-client.ts";
import { uniquePrefix } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";
import { contract } from "./auth-rig.ts";

/** A server whose answers of `authorize` are old at once, and whose sweep comes soon; the application can change its mind. */
async function startSweeping() {
  const redis = await startRedis();
  const settings = { port: 0, redisUrl: redis.url, keyPrefix: uniquePrefix(), drainSeconds: 0, logLevel: "silent" };
  const allowed = new Map<string, boolean | Error>();
  let asked = 0;
  const { server } = await assembleServer(
    {
      contract,
      authenticate: () => ({ user: "ann" }),
      authorize: ({ room, action }) => {
        asked += 1;
        const answer = allowed.get(`${action} ${room}`) ?? allowed.get(room) ?? true;
        if (answer instanceof Error) throw answer;
        return answer;
      },
    },
    { settings, logger: { debug: nothing, info: nothing, warn: nothing, error: nothing } },
    { sweepEveryMs: 50, keepAnswersMs: 0 },
  );
  return {
    server,
    allowed,
    asked: () => asked,
    async [Symbol.asyncDispose]() {
      await server.close();
      await redis[Symbol.asyncDispose]();
    },
  };
}

const nothing = () => undefined;

test("a right that rests on an old answer is asked for again from time to time, and its end told", async () => {
  await using rig = await startSweeping();
  using socket = await connectStock(rig.server.url);
  using revoked = collect(socket, "room:revoked");
  using published = collect(socket, "message:published");
  await askData(socket, "room:join", { room: "left" });
  await askData(socket, "room:join", { room: "kept" });
  rig.allowed.set("left", false);
  await waitFor(() => revoked.items.length > 0, "the sweep to take the room away");
  expect(revoked.items).toEqual([{ room: "left", code: "FORBIDDEN" }]);
  await rig.server.publish("left", "said", "secret");
  await rig.server.publish("kept", "said", "fence");
  await published.waitFor(({ room }) => room === "kept", "the fence");
  expect(published.items.map(({ room }) => room)).toEqual(["kept"]);
});

test("a sweep to which the application gives no answer takes nothing away", async () => {
  await using rig = await startSweeping();
  using socket = await connectStock(rig.server.url);
  using revoked = collect(socket, "room:revoked");
  using published = collect(socket, "message:published");
  await askData(socket, "room:join", { room: "lobby" });
  rig.allowed.set("lobby", new Error("the application's own store is away"));
  const before = rig.asked();
  await waitFor(() => rig.asked() > before + 2, "some sweeps");
  await rig.server.publish("lobby", "said", "hello");
  await published.waitFor(() => true, "the message");
  expect(revoked.items).toEqual([]);
});

test("a member whose right to write has ended is found by the sweep, and is a member no more", async () => {
  await using rig = await startSweeping();
  using socket = await connectStock(rig.server.url);
  using revoked = collect(socket, "room:revoked");
  using changes = collect(socket, "presence:changed");
  await askData(socket, "room:join", { room: "lobby", presence: true });
  rig.allowed.set("write lobby", false);
  await changes.waitFor(({ left, count }) => left.length === 1 && count === 0, "the end of the membership");
  expect(revoked.items).toEqual([]);
});
