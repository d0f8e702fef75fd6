import type { Bench } from "./bench.ts";
import { capacityOf } from "./capacity/command.ts";
import { compression } from "./compression/compression.ts";
import { handshake } from "./connections/handshake.ts";
import { memory } from "./connections/memory.ts";
import { cost } from "./platform/cost.ts";
import { handover } from "./platform/handover.ts";
import { startup } from "./platform/startup.ts";
import { presence } from "./presence/presence.ts";
import { dedupMemory } from "./publishing/dedup-memory.ts";
import { publishCost } from "./publishing/publish-cost.ts";
import { hostileReader } from "./readers/hostile-reader.ts";
import { stoppedReaders } from "./readers/stopped-readers.ts";
import { batchDelay } from "./rooms/batch-delay.ts";
import { hotRoom } from "./rooms/hot-room.ts";
import { idleInstance } from "./rooms/idle-instance.ts";
import { manyRooms } from "./rooms/many-rooms.ts";
import { growth } from "./scale/growth.ts";
import { idleConnections } from "./scale/idle-connections.ts";
import { manyMembers } from "./scale/many-members.ts";
import { flapping } from "./weather/flapping.ts";
import { jitter } from "./weather/jitter.ts";
import { kill } from "./weather/kill.ts";
import { reconnectStorm } from "./weather/reconnect-storm.ts";
import { rollout } from "./weather/rollout.ts";

/** Every bench, by the name that it is run with, in the order of the page. */
export const benches = {
  "hot-room": hotRoom,
  "many-rooms": manyRooms,
  "batch-delay": batchDelay,
  compression,
  "idle-instance": idleInstance,
  "publish-cost": publishCost,
  "dedup-memory": dedupMemory,
  handshake,
  memory,
  startup,
  jitter,
  kill,
  "reconnect-storm": reconnectStorm,
  handover,
  rollout,
  "hostile-reader": hostileReader,
  "stopped-readers": stoppedReaders,
  presence,
  cost,
  "idle-connections": idleConnections,
  "many-members": manyMembers,
  flapping,
  growth,
  capacity: capacityOf,
} as const satisfies Record<string, Bench>;

export type BenchName = keyof typeof benches;

export function isBench(name: string): name is BenchName {
  return Object.hasOwn(benches, name);
}
