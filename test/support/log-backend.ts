import { createClient } from "redis";
import { type Page, type Position, START, splitPosition } from "../../client/src/protocol/index.ts";
import type { RoomLog } from "../../server/src/log/room-log.ts";
import { startEmbeddedValkey } from "../../server/src/redis/embedded.ts";
import { redisServerInstalled } from "./installed.ts";
import { draftOf } from "./open-log.ts";
import { startRedis } from "./redis-server.ts";

/** What the log's own tests run on: each of them on both, where redis-server is installed. */
export const kinds = redisServerInstalled ? ["redis", "valkey"] : ["valkey"];

export interface LogBackend extends AsyncDisposable {
  readonly url: string;
  /** A connection of the test's own. */
  readonly admin: Admin;
  /** Redis' own clock. */
  nowMs(): Promise<number>;
}

export type Admin = Awaited<ReturnType<typeof openAdmin>>;

/** A redis-server process, or the Valkey that the server embeds. */
export async function startBackend(kind: string): Promise<LogBackend> {
  const { url, stop } = await start(kind);
  const admin = await openAdmin(url);
  return {
    url,
    admin,
    async nowMs() {
      const [seconds, microseconds] = await admin.time();
      return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
    },
    async [Symbol.asyncDispose]() {
      admin.destroy();
      await stop();
    },
  };
}

async function start(kind: string) {
  if (kind !== "redis") return startEmbeddedValkey();
  const redis = await startRedis({ kind: "redis" });
  return { url: redis.url, stop: () => redis[Symbol.asyncDispose]() };
}

export async function openAdmin(url: string) {
  const client = createClient({ url, RESP: 3 });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

export async function append(log: RoomLog, room: string, text = "hi", ids: { id?: string; after?: string } = {}) {
  const outcome = await log.append(room, draftOf(text, ids));
  if (outcome === "out-of-order") throw new Error("expected a stored message, got out-of-order");
  return { ...outcome, position: outcome.position as Position };
}

/** Appends all at once, in this order; gives back their positions. */
export async function appendMany(log: RoomLog, room: string, count: number, text = "hi"): Promise<Position[]> {
  const outcomes = await Promise.all(
    Array.from({ length: count }, (_, index) => append(log, room, `${text} ${index}`)),
  );
  return outcomes.map(({ position }) => position);
}

export const positionsOf = ({ messages }: Page) => messages.map(({ position }) => position);

export const plus = (position: Position, count: number): Position => {
  const { epochMs, seq } = splitPosition(position);
  return `${epochMs}-${seq + count}`;
};

export const last = (positions: readonly Position[]) => positions.at(-1) ?? START;
