import { roomKeys } from "../../../server/src/log/keys.ts";
import { connectRaw } from "../../support/raw-websocket.ts";
import { publishMany } from "../publishing/publish-many.ts";
import type { Deployment } from "../rig/deployment.ts";
import { percentileOf } from "../rig/histogram.ts";
import { RedisInspector } from "../rig/measure.ts";
import { busyFailures, latencies, perDelivered } from "../rooms/busy-report.ts";
import type { Clients } from "../rooms/clients.ts";
import { fillRooms, type Load } from "../rooms/side.ts";

/** The prefix of the bench's keys in Redis. */
export const keyPrefix = "bench";
const WARM_UP_SECONDS = 0.5;
const FILLING_CONNECTIONS = 20;
const FILLING_IN_FLIGHT = 50;

/** One point of the curves. */
export interface Step {
  /** What has grown: members, rooms, instances or messages of the log. */
  readonly size: number;
  readonly load: Load;
  readonly serverUsPerDelivery: number;
  readonly redisUsPerDelivery: number;
  readonly serverUsPerMessage: number;
  readonly redisUsPerMessage: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Redis memory of each message in the log; NaN where the log was not filled. */
  readonly logBytesPerMessage: number;
  readonly failures: readonly string[];
}

interface StepOptions {
  readonly size: number;
  readonly load: Load;
  readonly seconds: number;
  /** Messages that are in the log of each room before the members come. */
  readonly history?: number;
}

/** Fills rooms, publishes for so long, empties them again, and gives what it cost. */
export async function measureStep(deployment: Deployment, clients: Clients, options: StepOptions): Promise<Step> {
  const { size, load, seconds, history = 0 } = options;
  let logBytesPerMessage = Number.NaN;
  const prepare = async (rooms: readonly string[]) => {
    if (history === 0) return;
    const bytes: number[] = [];
    for (const room of rooms) bytes.push(await fillLog(deployment, room, history));
    logBytesPerMessage = bytes.reduce((sum, each) => sum + each, 0) / rooms.length / history;
  };
  const side = await fillRooms(deployment, clients, load, { prepare });
  try {
    await side.measure(Math.ceil(load.rate * WARM_UP_SECONDS));
    const round = await side.measure(Math.ceil(load.rate * seconds));
    const { serverUs, redisUs, messages, latencyMs } = round;
    return {
      size,
      load,
      serverUsPerDelivery: perDelivered([round], "serverUs"),
      redisUsPerDelivery: perDelivered([round], "redisUs"),
      serverUsPerMessage: serverUs / messages,
      redisUsPerMessage: redisUs / messages,
      p50Ms: percentileOf(latencyMs, 0.5),
      p99Ms: percentileOf(latencies([round]), 0.99),
      logBytesPerMessage,
      failures: busyFailures([round]),
    };
  } finally {
    await clients.close();
  }
}

/** Publishes so many messages into a room without members; gives the bytes of its log. */
async function fillLog(deployment: Deployment, room: string, messages: number): Promise<number> {
  const { url } = deployment.server(0);
  const publishers = await Promise.all(Array.from({ length: FILLING_CONNECTIONS }, () => connectRaw(url)));
  await publishMany(publishers, { room, messages, inFlight: FILLING_IN_FLIGHT });
  for (const publisher of publishers) publisher.terminate();
  await using inspector = await new RedisInspector(deployment.redis.url).connect();
  return await inspector.memoryBytes(roomKeys(keyPrefix, room).log);
}
