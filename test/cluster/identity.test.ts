import { createServer } from "@holdfast/server";
import { expect } from "vitest";
import { contract } from "../../app/contract.ts";
import { createToken } from "../../server/src/auth/create-token.ts";
import { testWithRedisServer as test } from "../support/needs.ts";
import { startRedisCluster } from "../support/redis-cluster.ts";
import { connectStock, type StockOptions } from "../support/stock-client.ts";
import { sessionId, uniquePrefix } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

const tokenSecret = "a-secret-of-at-least-thirty-two-bytes";

/** Two instances on a cluster of three masters, on which a session and its user have different ones, as a rule. */
async function startOnCluster() {
  const cluster = await startRedisCluster();
  const settings = {
    port: 0,
    redisUrl: cluster.url,
    keyPrefix: uniquePrefix(),
    drainSeconds: 0,
    auth: "token",
    tokenSecret,
    roomRights: "read write",
  };
  const servers = await Promise.all([1, 2].map(() => createServer({ contract }, { settings })));
  return {
    servers,
    connect: async (instance: number, user: string, session: string, options: StockOptions = {}) =>
      connectStock(servers[instance]?.url ?? "", {
        session,
        token: await createToken({ secret: tokenSecret, user }),
        socket: { reconnection: false },
        ...options,
      }),
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map((server) => server.close()));
      await cluster[Symbol.asyncDispose]();
    },
  };
}

test("on a cluster a session belongs to its first user, whichever master keeps it, on all instances", async () => {
  await using rig = await startOnCluster();
  const sessions = Array.from({ length: 12 }, sessionId);
  const owners = await Promise.all(sessions.map((session, index) => rig.connect(0, `user-${index}`, session)));
  for (const socket of owners) socket.disconnect();
  const strangers = sessions.map((session) => rig.connect(1, "eve", session));
  for (const refused of await Promise.allSettled(strangers)) {
    expect(refused).toMatchObject({ status: "rejected", reason: { data: { code: "FORBIDDEN" } } });
  }
  const again = await Promise.all(sessions.map((session, index) => rig.connect(1, `user-${index}`, session)));
  for (const socket of again) socket.disconnect();
});

test("on a cluster a revocation closes a user's connections on all instances, and old tokens stay out", async () => {
  await using rig = await startOnCluster();
  const users = Array.from({ length: 6 }, (_, index) => `user-${index}`);
  const issued = await Promise.all(users.map((user) => createToken({ secret: tokenSecret, user })));
  const connectAll = (instance: number) =>
    Promise.allSettled(
      users.map((user, index) => rig.connect(instance, user, sessionId(), { token: issued[index] ?? "" })),
    );
  const open = (await connectAll(1)).flatMap((outcome) => (outcome.status === "fulfilled" ? outcome.value : []));
  expect(open).toHaveLength(users.length);
  await Promise.all(users.map((user) => rig.servers[0]?.disconnectUser(user)));
  await waitFor(() => open.every(({ connected }) => !connected), "every connection to be closed");
  for (const outcome of [...(await connectAll(0)), ...(await connectAll(1))]) {
    expect(outcome).toMatchObject({ status: "rejected", reason: { data: { code: "TOKEN_EXPIRED" } } });
  }
});
