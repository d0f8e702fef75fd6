import type { ConnectOptions, Delivery, Gap, Status } from "@holdfast/client";
import { type ChatClient, type ChatRoom, connectChat } from "./chat.ts";
import { type RedisServer, startRedis } from "./redis-server.ts";
import { type ServerProcess, startServer } from "./server-process.ts";
import { startRelay, type TcpRelay } from "./tcp-relay.ts";
import { uniquePrefix } from "./unique.ts";
import { waitFor } from "./wait.ts";

/** One Redis, servers on it, and a line to the first of them that a test can cut or turn to another. */
export interface Rig extends AsyncDisposable {
  readonly redis: RedisServer;
  readonly servers: readonly ServerProcess[];
  readonly relay: TcpRelay;
  /** Connects through the relay; closed with the rig. */
  connect(options?: ConnectOptions): ChatClient;
  /** Connects to a server directly, past the relay. */
  connectDirectly(server: ServerProcess, options?: ConnectOptions): ChatClient;
  closeClients(): Promise<void>;
}

export interface RigOptions {
  readonly servers?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly persist?: boolean;
}

export async function startRig({ servers: count = 1, env = {}, persist = false }: RigOptions = {}): Promise<Rig> {
  const redis = await startRedis({ persist });
  const common = { REDIS_URL: redis.url, KEY_PREFIX: uniquePrefix(), LOG_LEVEL: "warn", ...env };
  const servers = await Promise.all(Array.from({ length: count }, () => startServer({ env: common })));
  const relay = await startRelay(servers[0]?.port ?? 0);
  const clients: ChatClient[] = [];
  const open = (url: string, options?: ConnectOptions) => {
    const client = connectChat(url, options);
    clients.push(client);
    return client;
  };
  const closeClients = async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
  };
  return {
    redis,
    servers,
    relay,
    connect: (options) => open(`http://127.0.0.1:${relay.port}`, options),
    connectDirectly: (server, options) => open(server.url, options),
    closeClients,
    async [Symbol.asyncDispose]() {
      await closeClients();
      await Promise.all(servers.map((server) => server.kill()));
      await relay[Symbol.asyncDispose]();
      await redis[Symbol.asyncDispose]();
    },
  };
}

/** Everything that a room told, from the first instant. */
export interface Recording {
  readonly messages: Delivery[];
  readonly gaps: Gap[];
  readonly texts: () => string[];
  has(text: string): Promise<void>;
}

export function record(room: ChatRoom): Recording {
  const messages: Delivery[] = [];
  const gaps: Gap[] = [];
  room.on("message", (message) => messages.push(message));
  room.on("gap", (gap) => gaps.push(gap));
  const texts = () => messages.map(({ data }) => (data as { text: string }).text);
  return {
    messages,
    gaps,
    texts,
    has: async (text) => {
      await waitFor(() => texts().includes(text), `"${text}" in ${room.name}`, 20_000);
    },
  };
}

/** Every status that a client went through. */
export function recordStatus(client: ChatClient): Status[] {
  const statuses: Status[] = [client.status];
  client.on("status", (status) => statuses.push(status));
  return statuses;
}

export function numbered(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => `m${from + index}`);
}
