import { defineBench, progress } from "../bench.ts";
import { type Deployment, deploy } from "../rig/deployment.ts";
import { Clients } from "../rooms/clients.ts";
import type { Load } from "../rooms/side.ts";
import { type Curves, growthReport } from "./growth-report.ts";
import { keyPrefix, measureStep, type Step } from "./growth-step.ts";
import { measureMessageCosts } from "./message-costs.ts";

const sizes = {
  members: [10, 30, 100, 300, 1_000],
  rooms: [1, 10, 50, 200, 500],
  instances: [1, 2, 4, 8],
  history: [0, 1_000, 10_000],
} as const;

/** What stays while one of these grows. Rates are such that two cores carry the largest step, clients included. */
const loads: Readonly<Record<keyof Curves, Load>> = {
  members: { rooms: 1, members: 0, rate: 60 },
  rooms: { rooms: 0, members: 500, rate: 250 },
  // A member of each room on each instance of the last step.
  instances: { rooms: 20, members: 160, rate: 300 },
  history: { rooms: 1, members: 100, rate: 100 },
};

type Values = Readonly<Record<"seconds" | "most", number>>;

export const growth = defineBench<keyof Values>({
  summary: "CPU per delivery and latency as members, rooms, instances and the log grow",
  options: {
    seconds: { default: 2, meaning: "seconds of messages at each step" },
    most: { default: 10_000, meaning: "steps of a larger size are left out" },
  },
  async run(values) {
    // Every message of the longest log is kept, so that it is as long as the step says.
    const env = { KEY_PREFIX: keyPrefix, HISTORY_MAX_MESSAGES: "100000" };
    await using deployment = await deploy("holdfast", { instances: 1, env });
    await using clients = new Clients();
    const grow = new Growth(deployment, clients, values);
    const alone = await grow.along("instances", [1]);
    await deployment.start();
    progress("rooms of one member, on another instance than their publisher");
    const costs = await measureMessageCosts(deployment, clients, values.seconds);
    const members = await grow.along("members", sizes.members);
    const rooms = await grow.along("rooms", sizes.rooms);
    const history = await grow.along("history", sizes.history);
    const more = await grow.along("instances", sizes.instances.slice(1));
    return growthReport({ members, rooms, instances: [...alone, ...more], history }, costs);
  },
});

class Growth {
  readonly #deployment: Deployment;
  readonly #clients: Clients;
  readonly #values: Values;

  constructor(deployment: Deployment, clients: Clients, values: Values) {
    this.#deployment = deployment;
    this.#clients = clients;
    this.#values = values;
  }

  async along(axis: keyof Curves, of: readonly number[]): Promise<Step[]> {
    const steps: Step[] = [];
    for (const size of of.filter((size) => size <= this.#values.most)) {
      progress(`${axis}: ${size}`);
      while (axis === "instances" && this.#deployment.servers.length < size) await this.#deployment.start();
      const load = axis === "members" || axis === "rooms" ? { ...loads[axis], [axis]: size } : loads[axis];
      const history = axis === "history" ? size : 0;
      const { seconds } = this.#values;
      steps.push(await measureStep(this.#deployment, this.#clients, { size, load, seconds, history }));
    }
    return steps;
  }
}
