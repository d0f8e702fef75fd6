import { type Client, type ConnectOptions, connect, HoldfastError } from "@holdfast/client";
import { defineContract } from "@holdfast/client/contract";
import { type Application, createServer, type Server, type ServerOptions } from "@holdfast/server";
import * as z from "zod";
import { type RedisServer, startRedis } from "./redis-server.ts";
import { connectStock, type StockOptions, type StockSocket } from "./stock-client.ts";
import { uniquePrefix } from "./unique.ts";

const text = z.strictObject({ text: z.string().max(100_000) });

/** An application of a stranger, with one of everything. */
export const contract = defineContract({
  messages: { "note:added": text },
  serverMessages: { "order:paid": z.strictObject({ order: z.string() }) },
  signals: { "note:typing": z.strictObject({}) },
  rooms: {
    "doc:*": { messages: { "doc:op": z.strictObject({ at: z.int() }) }, signals: { "doc:cursor": z.strictObject({}) } },
    "doc:public:*": { messages: { "doc:read": z.strictObject({}) } },
  },
  requests: {
    "poll:close": {
      payload: z.strictObject({ poll: z.string(), weight: z.int().default(1) }),
      answer: z.strictObject({ votes: z.int() }),
    },
  },
});

type TestContract = typeof contract;
export type TestApplication = Omit<Application<TestContract>, "contract">;

/** What a server logged. */
interface LogLine {
  readonly level: string;
  readonly fields: object;
  readonly message: string;
}

export interface Rig extends AsyncDisposable {
  readonly server: Server<TestContract>;
  readonly redis: RedisServer;
  readonly logged: readonly LogLine[];
  /** Closed with the rig. */
  connect(options?: ConnectOptions): Client<TestContract>;
  /** A stock client, which repeats nothing by itself. */
  stock(options?: StockOptions): Promise<StockSocket>;
}

/** A server of this process with the contract above, on a Redis of its own. */
export async function startRig(application: TestApplication = {}, options: ServerOptions = {}): Promise<Rig> {
  const redis = await startRedis();
  const logged: LogLine[] = [];
  const log = (level: string) => (fields: object, message: string) => void logged.push({ level, fields, message });
  const logger = { debug: () => undefined, info: () => undefined, warn: log("warn"), error: log("error") };
  const settings = { port: 0, redisUrl: redis.url, keyPrefix: uniquePrefix(), drainSeconds: 0, ...options.settings };
  const server = await createServer<TestContract>({ contract, ...application }, { logger, ...options, settings });
  const clients: Client<TestContract>[] = [];
  const sockets: StockSocket[] = [];
  return {
    server,
    redis,
    logged,
    connect(connectOptions) {
      const client = connect<TestContract>(server.url, connectOptions);
      clients.push(client);
      return client;
    },
    async stock(stockOptions) {
      const socket = await connectStock(server.url, stockOptions);
      sockets.push(socket);
      return socket;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map((client) => client.close()));
      for (const socket of sockets) socket.disconnect();
      await server.close();
      await redis[Symbol.asyncDispose]();
    },
  };
}

/** How a call of the client was refused. */
export async function refusal(call: Promise<unknown>): Promise<HoldfastError> {
  const outcome = await call.catch((error: unknown) => error);
  if (outcome instanceof HoldfastError) return outcome;
  throw new Error("expected a refusal", { cause: outcome });
}

/** A promise that is settled from outside. */
export function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
