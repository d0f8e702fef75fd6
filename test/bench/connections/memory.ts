import { inspectable } from "../../support/inspector.ts";
import { uniqueRoom } from "../../support/unique.ts";
import { Worker } from "../../support/worker.ts";
import { defineBench, progress } from "../bench.ts";
import { bars } from "../plots.ts";
import type { Figure } from "../report.ts";
import { baseline, type Contestant, choices, chosen } from "../rig/contestants.ts";
import { deploy } from "../rig/deployment.ts";
import { type Memory, memoryEach, memoryOf } from "../rig/memory.ts";
import type { RawMembers } from "../rig/raw-members.ts";

/** Connections that come first, so that what the process sets up once is not counted. */
const WARM_UP = 100;

type Values = Readonly<Record<"clients" | "members" | keyof typeof choices, number>>;

interface Measured extends Memory {
  readonly open: number;
}

export const memory = defineBench<keyof Values>({
  summary: "memory of an instance for each idle connection in a room, other servers beside it",
  options: {
    clients: { default: 2_000, meaning: "connections, after the first hundred" },
    members: { default: 20, meaning: "members of each room" },
    ...choices,
  },
  async run(values) {
    const contestants = chosen(values);
    const measured: Measured[] = [];
    for (const contestant of contestants) {
      progress(`${contestant.name}: ${values.clients} connections`);
      measured.push(await measure(contestant, values));
    }
    const names = contestants.map(({ name }) => name);
    const figures: Figure[] = [
      row(
        "heap and buffers after a collection",
        measured.map(({ keptBytes }) => keptBytes),
      ),
      row(
        "resident memory",
        measured.map(({ residentBytes }) => residentBytes),
      ),
    ];
    const missing = measured.map(({ open }) => values.clients + WARM_UP - open);
    return {
      columns: names,
      ...baseline(contestants),
      figures,
      targets: [],
      failures: missing.flatMap((count, index) =>
        count === 0 ? [] : [`${names[index]}: ${count} connections were closed meanwhile`],
      ),
      plots: [bars("Kept for each connection", names, figures.slice(0, 1))],
    };
  },
});

function row(name: string, values: readonly number[]): Figure {
  return { name: `${name}, each connection`, unit: "bytes", values, isCompared: true };
}

async function measure({ kind }: Contestant, { clients, members }: Values): Promise<Measured> {
  await using deployment = await deploy(kind, { instances: 1, nodeArgs: inspectable });
  await using worker = new Worker<RawMembers>(new URL("../rig/raw-members.ts", import.meta.url));
  const server = deployment.server(0);
  const join = (count: number) => {
    const rooms = Array.from({ length: Math.ceil(count / members) }, () => uniqueRoom("idle"));
    const joins = rooms.map((room, index) => ({
      url: server.url,
      room,
      members: Math.min(members, count - index * members),
    }));
    return worker.call("joinAll", joins);
  };
  await join(WARM_UP);
  const before = await memoryOf(server);
  await join(clients);
  const each = memoryEach(before, await memoryOf(server), clients);
  return { ...each, open: await worker.call("open", null) };
}
