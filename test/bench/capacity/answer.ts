import {
  type InstanceCores,
  instanceCores,
  instancesFor,
  instancesOfRoom,
  type Plan,
  type RedisNeeds,
  redisNeeds,
  redisShards,
  sum,
  type Traffic,
  trafficOf,
} from "./capacity.ts";
import type { Units } from "./units.ts";

/** What a plan needs. */
export interface Answer {
  readonly plan: Plan;
  readonly traffic: Traffic;
  readonly instances: number;
  /** What decides about their number. */
  readonly scarceOfInstances: string;
  readonly cores: InstanceCores;
  readonly instancesOfRoom: number;
  readonly redis: RedisNeeds;
  readonly shards: number;
  /** What decides about the number of Redis servers. */
  readonly scarceOfRedis: string;
  /** The time in which all connections come back after a cut of all, where instances and Redis do nothing else. */
  readonly comeBackSeconds: number;
  /** Messages in a second of one room, all of whose appends and broadcasts are one Redis' matter. */
  readonly mostOfOneRoom: number;
}

const purposes: Readonly<Record<keyof InstanceCores, string>> = {
  rest: "CPU for connections at rest",
  publish: "CPU for taking messages",
  receive: "CPU for hearing messages",
  deliver: "CPU for deliveries",
  check: "CPU for checks of rooms",
};

/** The whole model in one: pure, and in terms of unit costs alone. */
export function capacity(plan: Plan, units: Units): Answer {
  const instances = instancesFor(plan, units);
  const traffic = trafficOf(plan);
  const cores = instanceCores(plan, instances, units);
  const redis = redisNeeds(plan, instances, units);
  const of = redisShards(plan, redis);
  const [scarceOfRedis, most] = largest(of);
  const shards = Math.max(1, Math.ceil(most));
  const isMemory = plan.connections * units.connectionBytes > plan.instanceBytes * (instances - 1);
  const isCpu = sum(cores) > plan.load * (instances - 1);
  const joins = plan.connections * plan.joined;
  const ofInstances = (joins * units.joinUs) / instances;
  const ofRedis = (joins * units.redisJoinUs) / shards;
  return {
    plan,
    traffic,
    instances,
    scarceOfInstances: isCpu || !isMemory ? purposes[largest(cores)[0]] : "memory for connections",
    cores,
    instancesOfRoom: instancesOfRoom(instances, traffic.membersOfRoom),
    redis,
    shards,
    scarceOfRedis,
    comeBackSeconds: Math.max(ofInstances, ofRedis) / 1_000_000,
    mostOfOneRoom: (plan.load * 1_000_000) / (units.redisPublishUs + instances * units.redisReceiveUs),
  };
}

/** The same kind of use, so many times as large: as many members in each room, and as many messages of each. */
export function times(plan: Plan, factor: number): Plan {
  return { ...plan, connections: plan.connections * factor, rooms: plan.rooms * factor };
}

/** How many connections of this kind of use one Redis carries. */
export function connectionsOfOneRedis(plan: Plan, units: Units): number {
  const fits = (connections: number) => capacity(times(plan, connections / plan.connections), units).shards === 1;
  let [enough, tooMany] = [0, 1];
  while (fits(tooMany) && tooMany < 1e9) [enough, tooMany] = [tooMany, 2 * tooMany];
  while (tooMany - enough > 1) {
    const middle = Math.floor((enough + tooMany) / 2);
    if (fits(middle)) enough = middle;
    else tooMany = middle;
  }
  return enough;
}

function largest<Name extends string>(amounts: Readonly<Record<Name, number>>): [Name, number] {
  const entries = Object.entries(amounts) as [Name, number][];
  return entries.reduce((most, entry) => (entry[1] > most[1] ? entry : most));
}
