import { cpuMicroseconds } from "../../support/cpu-time.ts";
import { uniqueRoom } from "../../support/unique.ts";
import { Worker } from "../../support/worker.ts";
import { defineBench, progress } from "../bench.ts";
import { bars } from "../plots.ts";
import type { Figure } from "../report.ts";
import { baseline, choices, chosen } from "../rig/contestants.ts";
import { type Deployment, deploy } from "../rig/deployment.ts";
import { median } from "../rig/measure.ts";
import type { RawMembers } from "../rig/raw-members.ts";
import { PUBLISHER_MESSAGES_PER_SECOND } from "./side.ts";

const BUSY = 0;
const IDLE = 1;
const WARM_UP_SECONDS = 2;

type Values = Readonly<Record<"rate" | "seconds" | "rounds" | keyof typeof choices, number>>;

interface Cost {
  /** CPU of the instance without members over its own idle baseline, per message of the busy room. */
  readonly usPerMessage: number;
  /** The baseline: CPU of the same process in a second in which nothing is published. */
  readonly idleUsPerSecond: number;
  readonly lost: number;
}

export const idleInstance = defineBench<keyof Values>({
  summary: "CPU that a message costs an instance with no member of its room, other servers beside it",
  options: {
    rate: { default: 1_000, meaning: "messages per second in a room with one member, on the other instance" },
    seconds: { default: 7, meaning: "seconds of messages, and as many without, for each column" },
    rounds: { default: 7, meaning: "rounds that these seconds are divided into; busy and idle take turns" },
    ...choices,
  },
  async run(values) {
    const contestants = chosen(values);
    const names = contestants.map(({ name }) => name);
    const costs: Cost[] = [];
    for (const { kind, name } of contestants) {
      progress(name);
      await using deployment = await deploy(kind, { instances: 2 });
      costs.push(await measure(deployment, values));
    }
    const lost = costs[0]?.lost;
    const usPerMessage = costs.map((cost) => cost.usPerMessage);
    const cpu: Figure = { name: "CPU per message", unit: "us", values: usPerMessage, isCompared: true };
    return {
      columns: names,
      ...baseline(contestants),
      figures: [
        cpu,
        { name: "idle baseline", unit: "us per second", values: costs.map(({ idleUsPerSecond }) => idleUsPerSecond) },
      ],
      targets: [{ name: "CPU per message", unit: "us", value: costs[0]?.usPerMessage ?? Number.NaN, atMost: 1.5 }],
      failures: lost === 0 ? [] : [`expected every message at the busy room's member, ${lost} are missing`],
      plots: [bars("CPU of the instance without members, per message", names, [cpu])],
    };
  },
});

async function measure(deployment: Deployment, { rate, seconds, rounds }: Values): Promise<Cost> {
  await using worker = new Worker<RawMembers>(new URL("../rig/raw-members.ts", import.meta.url));
  const room = uniqueRoom("busy");
  await worker.call("join", { url: deployment.server(BUSY).url, room, members: 1 });
  // The idle instance has a room of its own, so that it is subscribed to something.
  await worker.call("join", { url: deployment.server(IDLE).url, room: uniqueRoom("other"), members: 1 });
  const urls = [deployment.server(BUSY).url];
  const publish = (messages: number) =>
    worker.call("publish", {
      urls,
      rooms: [room],
      publishersPerUrl: Math.ceil(rate / PUBLISHER_MESSAGES_PER_SECOND),
      messages,
      messagesPerSecond: rate,
    });
  const idleCpuUs = () => cpuMicroseconds([deployment.server(IDLE)]);

  await publish(rate * WARM_UP_SECONDS);
  await worker.call("take", null);
  const messages = Math.ceil((rate * seconds) / rounds);
  const busyUs: number[] = [];
  const idleUs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const startUs = idleCpuUs();
    const startMs = performance.now();
    await publish(messages);
    const publishedUs = idleCpuUs();
    const publishedMs = performance.now();
    await new Promise((resolve) => setTimeout(resolve, publishedMs - startMs));
    const busySeconds = (publishedMs - startMs) / 1000;
    const idleSeconds = (performance.now() - publishedMs) / 1000;
    busyUs.push((publishedUs - startUs) / busySeconds);
    idleUs.push((idleCpuUs() - publishedUs) / idleSeconds);
  }
  const { delivered } = await worker.call("take", null);
  // The median of the rounds: one garbage collection costs more than a round of messages that are not received.
  const idleUsPerSecond = median(idleUs);
  return {
    usPerMessage: (median(busyUs) - idleUsPerSecond) / rate,
    idleUsPerSecond,
    lost: messages * rounds - delivered,
  };
}
