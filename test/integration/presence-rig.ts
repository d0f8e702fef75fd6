import type { AnyContract, MembersChange } from "@holdfast/client";
import { defineContract } from "@holdfast/client/contract";
import { type Application, createServer, type Server, type Settings } from "@holdfast/server";
import * as z from "zod";
import { createMembers } from "../../client/src/members.ts";
import type { Member } from "../../client/src/protocol/index.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { type ServerProcess, startServer } from "../support/server-process.ts";
import { askData, connectStock, type StockOptions, type StockSocket } from "../support/stock-client.ts";
import { sessionId, uniquePrefix } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

const presenceContract = defineContract({
  messages: { "chat:message": z.strictObject({ text: z.string() }) },
  presence: z.strictObject({ name: z.string() }),
  rooms: { "plain:*": {} },
});
export type PresenceContract = typeof presenceContract;

/** A change that a client has been told, in few words: `joined ann`, `left ann`, `updated ann`. */
interface Watching extends Disposable {
  readonly session: string;
  readonly socket: StockSocket;
  readonly told: readonly string[];
  readonly notices: number;
  readonly members: ReturnType<typeof createMembers>;
  /** Joins, or joins again, on the present socket. */
  join(presence?: unknown): Promise<void>;
  leave(): Promise<void>;
  update(name: string): Promise<void>;
  /** Names of the members' states, in order. */
  names(): string[];
  /** Waits until exactly these are known. */
  sees(...names: string[]): Promise<void>;
}

/** One of the rig's `servers`, or another one, as a process. */
type Instance = number | { readonly url: string };

/** Instances of one deployment, most of them in this process. */
export interface PresenceRig extends AsyncDisposable {
  readonly redis: RedisServer;
  readonly keyPrefix: string;
  readonly servers: readonly Server<PresenceContract>[];
  readonly logged: readonly string[];
  start(application?: Omit<Application<PresenceContract>, "contract">): Promise<Server<PresenceContract>>;
  /** An instance that is a process of its own, the application that ships. */
  startProcess(env?: Readonly<Record<string, string>>): Promise<ServerProcess>;
  /** A client on an instance, of `servers` or a process, that is not in the room yet. */
  watcher(instance: Instance, room: string, options?: StockOptions): Promise<Watching>;
  /** A client that is a member under this name. */
  member(instance: Instance, room: string, name: string, options?: StockOptions): Promise<Watching>;
}

export async function startPresence(
  count: number,
  settings: Settings = {},
  application: Omit<Application<PresenceContract>, "contract"> = {},
): Promise<PresenceRig> {
  const redis = await startRedis();
  const keyPrefix = uniquePrefix();
  const servers: Server<PresenceContract>[] = [];
  const processes: ServerProcess[] = [];
  const watchers: Watching[] = [];
  const logged: string[] = [];
  const log = (_fields: object, message: string) => void logged.push(message);
  const logger = { debug: () => undefined, info: () => undefined, warn: log, error: log };
  const rig: PresenceRig = {
    redis,
    keyPrefix,
    servers,
    logged,
    async start(own = application) {
      const given = { port: 0, redisUrl: redis.url, keyPrefix, drainSeconds: 0, presenceLeaseSeconds: 3, ...settings };
      const server = await createServer<PresenceContract>(
        { contract: presenceContract, ...own },
        { logger, settings: given },
      );
      servers.push(server);
      return server;
    },
    async startProcess(env = {}) {
      const server = await startServer({
        env: { REDIS_URL: redis.url, KEY_PREFIX: keyPrefix, DRAIN_SECONDS: "0", PRESENCE_LEASE_SECONDS: "3", ...env },
      });
      processes.push(server);
      return server;
    },
    async watcher(instance, room, options = {}) {
      const server = typeof instance === "number" ? servers[instance] : instance;
      if (server === undefined)
        throw new Error(`expected an instance from 0 to ${servers.length - 1}, got ${instance}`);
      const watching = await watch(server.url, room, options);
      watchers.push(watching);
      return watching;
    },
    async member(instance, room, name, options) {
      const watching = await rig.watcher(instance, room, options);
      await watching.join({ name });
      return watching;
    },
    async [Symbol.asyncDispose]() {
      for (const watching of watchers) watching[Symbol.dispose]();
      await Promise.all(servers.map((server) => server.close()));
      await Promise.all(processes.map((server) => server.kill()));
      await redis[Symbol.asyncDispose]();
    },
  };
  await Promise.all(Array.from({ length: count }, () => rig.start()));
  return rig;
}

function nameOf({ state }: Member): string {
  return z.object({ name: z.string() }).safeParse(state).data?.name ?? "nobody";
}

/** A stock client that keeps the members of one room as the client package does. */
async function watch(url: string, room: string, options: StockOptions = {}): Promise<Watching> {
  const session = options.session ?? sessionId();
  const socket = await connectStock(url, { ...options, session });
  const members = createMembers();
  const told: string[] = [];
  let notices = 0;
  const note = (change: MembersChange<AnyContract> | "read" | undefined) => {
    if (change === "read") void list();
    else if (change !== undefined) {
      for (const kind of ["joined", "updated", "left"] as const) {
        for (const member of change[kind]) told.push(`${kind} ${nameOf(member)}`);
      }
    }
  };
  const list = async () => {
    const page = await askData(socket, "presence:list", { room });
    for (const change of members.listed(page)) note(change);
  };
  socket.on("presence:changed", (payload) => {
    if (payload.room !== room) return;
    notices += 1;
    note(members.changed(payload));
  });
  const names = () => [...members.map.values()].map(nameOf).toSorted();
  return {
    session,
    socket,
    told,
    members,
    names,
    get notices() {
      return notices;
    },
    async join(presence = true) {
      const { version } = members;
      note(members.joined(await askData(socket, "room:join", { room, presence, ...(version && { version }) })));
    },
    leave: async () => void (await askData(socket, "room:leave", { room })),
    update: async (name) => void (await askData(socket, "presence:update", { room, state: { name } })),
    async sees(...expected) {
      const wanted = JSON.stringify(expected.toSorted());
      await waitFor(
        () => JSON.stringify(names()) === wanted,
        `the members ${wanted}; the last ones were ${names().slice(0, 10)}`,
        20_000,
      ).catch((error: unknown) => {
        throw new Error(`expected the members ${wanted}, got ${JSON.stringify(names())}`, { cause: error });
      });
    },
    [Symbol.dispose]: () => socket.disconnect(),
  };
}
