import type { Availability } from "./availability.ts";
import type { HttpAccess } from "./http/access.ts";
import type { RoomLog } from "./log/room-log.ts";
import type { Presence } from "./presence/presence.ts";
import type { RedisConnections } from "./redis/connections.ts";
import { readersOf } from "./sockets/readers.ts";
import { localRooms, type RoomServer } from "./sockets/room-server.ts";
import type { Seats } from "./sockets/seats.ts";
import { InstanceMetrics } from "./telemetry/instance-metrics.ts";
import type { Telemetry } from "./telemetry/telemetry.ts";
import type { UnderWay } from "./telemetry/under-way.ts";

interface MetricsParts {
  readonly telemetry: Pick<Telemetry, "server">;
  /** Where nobody can ask for the metrics over HTTP, they begin when the application asks. */
  readonly access: Pick<HttpAccess, "hasAdminApi">;
  readonly io: RoomServer;
  readonly seats: Pick<Seats, "taken">;
  readonly presence: Pick<Presence, "size">;
  readonly log: Pick<RoomLog, "waitingBytes">;
  readonly redis: Pick<RedisConnections, "commands" | "subscriber">;
  readonly availability: Pick<Availability, "isDraining">;
  readonly underWay: Pick<UnderWay, "seconds">;
}

/** The metrics of a server, with where each state is read. */
export function createMetrics(parts: MetricsParts): InstanceMetrics {
  const { telemetry, access, io, seats, presence, log, redis, availability, underWay } = parts;
  const metrics = new InstanceMetrics({
    serverOf: () => telemetry.server,
    states: {
      websockets: () => io.engine.clientsCount,
      connections: () => seats.taken,
      sessions: () => readersOf(io).sessions,
      rooms: () => localRooms(io).length,
      members: () => presence.size.members,
      rooms_watched: () => presence.size.watchedRooms,
      slow_readers: () => readersOf(io).slow,
      reader_waiting_bytes: () => readersOf(io).waitingBytes,
      publish_waiting_bytes: () => log.waitingBytes,
      redis_commands_up: () => Number(redis.commands.isUp),
      redis_subscriptions_up: () => Number(redis.subscriber.isUp),
      draining: () => Number(availability.isDraining),
      billed_seconds_total: () => underWay.seconds,
    },
  });
  if (access.hasAdminApi) metrics.start();
  return metrics;
}
