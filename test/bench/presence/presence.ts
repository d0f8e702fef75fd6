import { uniqueRoom } from "../../support/unique.ts";
import { defineBench, progress } from "../bench.ts";
import { type Deployment, deploy } from "../rig/deployment.ts";
import { type Counts, Histogram } from "../rig/histogram.ts";
import { measureBigRoom } from "./big-room.ts";
import { openCrowd, readWholeList } from "./crowd.ts";
import { measureDeaths } from "./deaths.ts";
import { type IdleCost, idleCost } from "./idle.ts";
import { measureMoves } from "./moves.ts";
import { presenceReport } from "./report.ts";

const INSTANCES = 2;
/** Instances that survive the others; each has a watcher, and each would remove the members of a dead one. */
const SURVIVORS = 2;
const PLAIN_LISTS = 10;

type Values = Readonly<Record<"members" | "moves" | "deaths", number>>;

export const presence = defineBench<keyof Values>({
  summary: "members: a storm of joins, lists, dead instances, moves and cuts, and what idle members cost",
  options: {
    members: { default: 10_000, meaning: "members of the big room, each with a connection of its own" },
    moves: { default: 600, meaning: "planned moves, and as many cuts" },
    deaths: { default: 8, meaning: "instances that are killed or stopped, half of each" },
  },
  async run(values) {
    await using deployment = await deploy("holdfast", { instances: INSTANCES });
    await using crowd = await openCrowd(deployment.urls, values.members);
    progress(`${crowd.clients} clients are connected`);
    const big = await measureBigRoom(deployment, crowd);
    const plainListMs = await measurePlainList(values.members);
    // Instances start one after the other, because all at once they would take too long on a busy machine.
    await using forDeaths = await deploy("holdfast", { instances: SURVIVORS + values.deaths });
    await using forMoves = await deploy("holdfast", { instances: INSTANCES });
    await using for200 = await deploy("holdfast", { instances: INSTANCES });
    await using for10 = await deploy("holdfast", { instances: INSTANCES });
    // Nothing of these is CPU: they share the machine and the time.
    const [bigIdle, deaths, moves, rooms200, rooms10] = await Promise.all([
      idleCost(deployment, big.members),
      measureDeaths(forDeaths, SURVIVORS),
      measureMoves(forMoves, values.moves),
      measureRooms(for200, 2_000, 200),
      measureRooms(for10, 1_000, 10),
    ]);
    const open = await crowd.open();
    if (open !== crowd.clients) throw new Error(`expected ${crowd.clients} open connections at the end, got ${open}`);
    return presenceReport({ big, plainListMs, deaths, moves, idle: { big: bigIdle, rooms200, rooms10 } });
  },
});

/** The same room on plain Socket.IO, whose instances ask each other for all their sockets. */
async function measurePlainList(wanted: number): Promise<Counts> {
  await using deployment = await deploy("dynamic", { instances: INSTANCES });
  await using crowd = await openCrowd(deployment.urls, wanted);
  progress(`plain Socket.IO: ${crowd.clients} clients are connected`);
  const room = uniqueRoom("big");
  await Promise.all(crowd.swarms.map((swarm) => swarm.call("join", { rooms: [room], overMs: 0 })));
  const histogram = new Histogram();
  for (let index = 0; index < PLAIN_LISTS; index += 1) {
    const { url } = deployment.server(index % INSTANCES);
    const list = await readWholeList(url, room);
    if (list.members !== crowd.clients) throw new Error(`expected ${crowd.clients} sockets, got ${list.members}`);
    histogram.add(list.wholeMs);
  }
  return histogram.counts;
}

async function measureRooms(deployment: Deployment, members: number, perRoom: number): Promise<IdleCost> {
  await using crowd = await openCrowd(deployment.urls, members);
  const perSwarm = members / crowd.swarms.length / perRoom;
  await Promise.all(
    crowd.swarms.map((swarm) => {
      const rooms = Array.from({ length: perSwarm }, () => uniqueRoom("small"));
      return swarm.call("join", { rooms, overMs: 0 });
    }),
  );
  const cost = await idleCost(deployment, members);
  progress(`rooms of ${perRoom}: ${crowd.clients} members were idle`);
  return cost;
}
