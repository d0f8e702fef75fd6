import { defineBench, progress } from "../bench.ts";
import { baseline, holdfast, plain, withRecovery } from "../rig/contestants.ts";
import type { Kind } from "../rig/deployment.ts";
import { percentileOf } from "../rig/histogram.ts";
import { startWeather, type Weather } from "./bad-weather.ts";
import type { Summary } from "./member-record.ts";
import { backPlot, weatherFailures, weatherFigures } from "./weather-report.ts";

// After AnyCable's public benchmark (https://github.com/anycable/nodejs-websocket-bench), scaled to one machine: there
// a client only waits after its connection was cut, here its network is away for that time. Its latency p99 (4.6 s and
// 6.1 s at 10,000 clients) runs from send to receipt, so that it includes the outage.

const sides = [holdfast, plain, withRecovery];

type Values = Readonly<Record<"clients" | "rate" | "seconds" | "every" | "offline" | "hint", number>>;

export const jitter = defineBench<keyof Values>({
  summary: "clients whose TCP connection is cut again and again: what arrives, and how soon after",
  options: {
    clients: { default: 500, meaning: "clients in one room on two instances, on each side" },
    rate: { default: 2, meaning: "messages per second" },
    seconds: { default: 25, meaning: "seconds of messages" },
    every: { default: 15, meaning: "seconds between the cuts of one client, half as much more or less" },
    offline: { default: 2, meaning: "seconds that a client's network stays away" },
    hint: { default: 0, meaning: "1 tells our client when its network is back, as a browser does" },
  },
  async run(values) {
    // One after the other: what hundreds of clients spend on their attempts would slow the other sides down.
    const summaries: Summary[] = [];
    for (const { kind } of sides) summaries.push(await runSide(kind, values));
    const names = sides.map(({ name }) => name);
    const [ours] = summaries;
    if (ours === undefined) throw new Error("expected at least one side");
    return {
      columns: names,
      ...baseline(sides),
      figures: weatherFigures(summaries),
      targets: [
        { name: "share of messages lost", unit: "%", value: (100 * ours.lost) / ours.expected, atMost: 0 },
        { name: "replay p99", unit: "ms", value: percentileOf(ours.replayMs, 0.99), atMost: 1000 },
      ],
      failures: weatherFailures(ours),
      plots: [backPlot(names, summaries)],
    };
  },
});

async function runSide(kind: Kind, { clients, rate, seconds, every, offline, hint }: Values): Promise<Summary> {
  const options = { kind, clients, instances: 2, publishers: 2, onlineHint: hint > 0 };
  await using weather: Weather = await startWeather(options);
  progress(`${kind}: ${clients} clients are there`);
  const pauseMs = [every * 500, every * 1500] as const;
  const cuts = { firstMs: pauseMs, nextMs: pauseMs, offlineMs: offline * 1000, forMs: seconds * 1000 };
  const [acknowledged] = await Promise.all([
    weather.publishers.call("publish", { messages: rate * seconds, messagesPerSecond: rate }),
    ...weather.members.map((worker) => worker.call("cutForAWhile", cuts)),
  ]);
  await weather.calm();
  // Awaited here, while the clients still live.
  return await weather.summarize(acknowledged);
}
