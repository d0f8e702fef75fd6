import { type Client, type ConnectOptions, connect } from "@holdfast/client";
import { defineContract } from "@holdfast/client/contract";
import { type Application, createServer, type Server } from "@holdfast/server";
import * as z from "zod";
import { createToken, type TokenOptions } from "../../server/src/auth/create-token.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { connectStock, type StockOptions, type StockSocket } from "../support/stock-client.ts";
import { uniquePrefix } from "../support/unique.ts";

export const contract = defineContract({
  messages: { said: z.string() },
  serverMessages: { paid: z.string() },
  signals: { typing: z.strictObject({}) },
  presence: z.object({ name: z.string() }),
  requests: { "may:write": { payload: z.strictObject({ room: z.string() }), answer: z.boolean() } },
});

type TestContract = typeof contract;
export const adminToken = "an-admin-token-of-a-test";
export const secret = "a-secret-of-at-least-thirty-two-bytes";

export interface AuthRig extends AsyncDisposable {
  readonly redis: RedisServer;
  readonly keyPrefix: string;
  readonly servers: readonly Server<TestContract>[];
  readonly server: Server<TestContract>;
  readonly logged: readonly string[];
  token(user: string, options?: Partial<TokenOptions>): Promise<string>;
  /** A stock client, which repeats nothing by itself; on the instance with this number. */
  stock(options: StockOptions, instance?: number): Promise<StockSocket>;
  connect(options: ConnectOptions, instance?: number): Client<TestContract>;
  call(
    path: string,
    options?: { token?: string; body?: unknown; instance?: number },
  ): Promise<{ status: number; body: unknown }>;
}

/** Some instances that ask for tokens, on a Redis of their own. */
export async function startAuthRig(
  application: Partial<Omit<Application<TestContract>, "contract">> = {},
  { instances = 1, settings = {} }: { instances?: number; settings?: Record<string, string | number | undefined> } = {},
): Promise<AuthRig> {
  const redis = await startRedis();
  const keyPrefix = uniquePrefix();
  const logged: string[] = [];
  const log = (fields: object, message: string) => void logged.push(JSON.stringify([message, fields]));
  const logger = { debug: () => undefined, info: () => undefined, warn: log, error: log };
  const own = {
    port: 0,
    redisUrl: redis.url,
    keyPrefix,
    drainSeconds: 0,
    auth: "token",
    tokenSecret: secret,
    adminToken,
  };
  const servers = await Promise.all(
    Array.from({ length: instances }, () =>
      createServer<TestContract>({ contract, ...application }, { logger, settings: { ...own, ...settings } }),
    ),
  );
  const at = (instance = 0): Server<TestContract> => {
    const server = servers[instance];
    if (server === undefined) throw new Error(`expected one of ${servers.length} instances, got ${instance}`);
    return server;
  };
  const clients: Client<TestContract>[] = [];
  const sockets: StockSocket[] = [];
  return {
    redis,
    keyPrefix,
    servers,
    server: at(),
    logged,
    token: (user, options) => createToken({ secret, user, ...options }),
    async stock(options, instance) {
      const socket = await connectStock(at(instance).url, options);
      sockets.push(socket);
      return socket;
    },
    connect(options, instance) {
      const client = connect<TestContract>(at(instance).url, options);
      clients.push(client);
      return client;
    },
    async call(path, { token, body, instance } = {}) {
      const response = await fetch(`${at(instance).url}${path}`, {
        method: body === undefined ? "GET" : "POST",
        headers: {
          "content-type": "application/json",
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: await response.json() };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map((client) => client.close()));
      for (const socket of sockets) socket.disconnect();
      await Promise.all(servers.map((server) => server.close()));
      await redis[Symbol.asyncDispose]();
    },
  };
}

/** The value of a metric, with its labels as they are written there; 0 where it has not happened yet. */
export async function metricOf({ server }: AuthRig, name: string): Promise<number> {
  const answer = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${adminToken}` } });
  const line = (await answer.text()).split("\n").find((text) => text.startsWith(`holdfast_${name} `));
  return Number(line?.split(" ").at(-1) ?? 0);
}
