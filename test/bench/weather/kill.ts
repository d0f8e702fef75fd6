import { setTimeout as delay } from "node:timers/promises";
import { defineBench, progress } from "../bench.ts";
import { holdfast, withRecovery } from "../rig/contestants.ts";
import type { Kind } from "../rig/deployment.ts";
import { percentileOf } from "../rig/histogram.ts";
import { startWeather } from "./bad-weather.ts";
import type { Summary } from "./member-record.ts";
import { backPlot, weatherFailures, weatherFigures } from "./weather-report.ts";

const VICTIM = 0;
const SURVIVOR = 1;
const PUBLISHERS = 4;

const sides = [holdfast, withRecovery];

type Values = Readonly<Record<"clients" | "rate" | "seconds", number>>;

export const kill = defineBench<keyof Values>({
  summary: "one of two instances is killed under way: what is lost, and how soon its clients are back",
  options: {
    clients: { default: 500, meaning: "clients in one room, half of them on each instance" },
    rate: { default: 50, meaning: "messages per second, from publishers on both instances" },
    seconds: { default: 10, meaning: "seconds of messages; the kill comes after a third of them" },
  },
  async run(values) {
    const summaries: Summary[] = [];
    for (const { kind } of sides) summaries.push(await runSide(kind, values));
    const names = sides.map(({ name }) => name);
    const [ours] = summaries;
    if (ours === undefined) throw new Error("expected at least one side");
    return {
      columns: names,
      against: 1,
      figures: weatherFigures(summaries),
      targets: [
        { name: "kill to having all missed, p99", unit: "ms", value: percentileOf(ours.backMs, 0.99), atMost: 2500 },
      ],
      failures: [
        ...weatherFailures(ours),
        ...(ours.outages === values.clients / 2 ? [] : [`expected half of the clients to be cut, got ${ours.outages}`]),
      ],
      plots: [backPlot(names, summaries)],
    };
  },
});

async function runSide(kind: Kind, { clients, rate, seconds }: Values): Promise<Summary> {
  await using weather = await startWeather({
    kind,
    clients,
    instances: 2,
    publishers: PUBLISHERS,
    onlineHint: false,
  });
  progress(`${kind}: ${clients} clients are there`);
  const killVictim = async () => {
    await delay((seconds * 1000) / 3);
    const { port } = weather.deployment.server(SURVIVOR);
    weather.deployment.server(VICTIM).signal("SIGKILL");
    await weather.route([port]);
  };
  const [acknowledged] = await Promise.all([
    weather.publishers.call("publish", { messages: rate * seconds, messagesPerSecond: rate }),
    killVictim(),
  ]);
  await weather.calm();
  // Awaited here, while the clients still live.
  return await weather.summarize(acknowledged);
}
