import type { Units } from "./units.ts";

/** What is to be carried, and by what. */
export interface Plan {
  readonly connections: number;
  readonly rooms: number;
  /** Rooms that each connection is in. */
  readonly joined: number;
  /** Messages that each connection publishes in a minute. */
  readonly perMinute: number;
  /** Messages that each room's log keeps. */
  readonly history: number;
  /** The share of its core, 0 to 1, up to which an instance or a Redis is used: what is left is for storms. */
  readonly load: number;
  /** Memory for the connections of an instance. */
  readonly instanceBytes: number;
  /** Memory and network of one Redis. */
  readonly redisBytes: number;
  readonly redisBytesPerSecond: number;
}

/** Each instance checks each room that it has members of once in so many seconds. */
const CHECK_SECONDS = 15;
/** Two turns of PUBLISH_DEDUP_SECONDS. */
const IDS_SECONDS = 240;
const MICROSECONDS = 1_000_000;

/** What grows with the connections, in a second. */
export interface Traffic {
  readonly membersOfRoom: number;
  readonly messages: number;
  readonly deliveries: number;
}

export function trafficOf({ connections, rooms, joined, perMinute }: Plan): Traffic {
  const membersOfRoom = (connections * joined) / rooms;
  const messages = (connections * perMinute) / 60;
  return { membersOfRoom, messages, deliveries: messages * membersOfRoom };
}

/** On how many of so many instances a room has members, when each member is on any of them: its mean. */
export function instancesOfRoom(instances: number, membersOfRoom: number): number {
  return instances * (1 - (1 - 1 / instances) ** membersOfRoom);
}

/** Cores that so many instances need together, by what they need them for. */
export interface InstanceCores {
  readonly rest: number;
  readonly publish: number;
  readonly receive: number;
  readonly deliver: number;
  readonly check: number;
}

export function instanceCores(plan: Plan, instances: number, units: Units): InstanceCores {
  const { membersOfRoom, messages, deliveries } = trafficOf(plan);
  const spread = instancesOfRoom(instances, membersOfRoom);
  return {
    rest: (plan.connections * units.restUs) / MICROSECONDS,
    publish: (messages * units.publishUs) / MICROSECONDS,
    receive: (messages * spread * units.receiveUs) / MICROSECONDS,
    deliver: (deliveries * units.deliverUs) / MICROSECONDS,
    check: (plan.rooms * spread * units.checkUs) / CHECK_SECONDS / MICROSECONDS,
  };
}

/** The fewest instances that carry it, each with one core. */
export function instancesFor(plan: Plan, units: Units): number {
  const forMemory = Math.max(1, Math.ceil((plan.connections * units.connectionBytes) / plan.instanceBytes));
  const carry = (instances: number) => sum(instanceCores(plan, instances, units)) <= instances * plan.load;
  // What an instance has to carry falls with their number, so the fewest are found by halving.
  let [tooFew, enough] = [forMemory - 1, forMemory];
  while (!carry(enough)) {
    [tooFew, enough] = [enough, 2 * enough];
  }
  while (enough - tooFew > 1) {
    const middle = Math.floor((tooFew + enough) / 2);
    if (carry(middle)) enough = middle;
    else tooFew = middle;
  }
  return enough;
}

/** What Redis has to carry, however many servers it is divided into. */
export interface RedisNeeds {
  readonly cores: number;
  readonly bytes: number;
  readonly bytesPerSecond: number;
}

export function redisNeeds(plan: Plan, instances: number, units: Units): RedisNeeds {
  const { membersOfRoom, messages } = trafficOf(plan);
  const spread = instancesOfRoom(instances, membersOfRoom);
  const appends = messages * (units.redisPublishUs + spread * units.redisReceiveUs);
  const checks = (plan.rooms * spread * units.redisCheckUs) / CHECK_SECONDS;
  const logs = plan.rooms * plan.history * units.messageBytes;
  const ids = messages * IDS_SECONDS * units.idBytes;
  return {
    cores: (appends + checks) / MICROSECONDS,
    bytes: logs + ids + plan.rooms * spread * units.subscriptionBytes,
    bytesPerSecond: messages * spread * units.messageBytes,
  };
}

/** How many of one Redis each of its means would take; the largest is the first to be scarce. */
export function redisShards(plan: Plan, needs: RedisNeeds): Readonly<Record<"CPU" | "memory" | "network", number>> {
  return {
    CPU: needs.cores / plan.load,
    memory: needs.bytes / plan.redisBytes,
    network: needs.bytesPerSecond / plan.redisBytesPerSecond,
  };
}

export function sum(parts: InstanceCores): number {
  return parts.rest + parts.publish + parts.receive + parts.deliver + parts.check;
}
