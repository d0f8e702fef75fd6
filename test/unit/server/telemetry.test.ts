import { EventEmitter } from "node:events";
import { createServer } from "node:http";
import { expect, test } from "vitest";
import { Collector } from "../../../server/src/telemetry/collector.ts";
import { Counts, Distribution } from "../../../server/src/telemetry/tally.ts";
import { Telemetry } from "../../../server/src/telemetry/telemetry.ts";
import { UnderWay } from "../../../server/src/telemetry/under-way.ts";

const labels = { door: ["socket", "http"], code: ["A", "B", "C"] } as const;

test("counts are kept for every combination of labels, and a value that is not known counts nowhere", () => {
  const counts = new Counts(labels);
  counts.add({ door: "http", code: "B" }, 2);
  counts.add({ code: "B", door: "http" }, 1);
  counts.add({ door: "window", code: "B" }, 1);
  counts.add({ door: "http" }, 1);
  expect(counts.all()).toEqual([
    { labels: { door: "socket", code: "A" }, value: 0 },
    { labels: { door: "socket", code: "B" }, value: 0 },
    { labels: { door: "socket", code: "C" }, value: 0 },
    { labels: { door: "http", code: "A" }, value: 0 },
    { labels: { door: "http", code: "B" }, value: 3 },
    { labels: { door: "http", code: "C" }, value: 0 },
  ]);
});

test("a distribution counts what is at most a bound, with the bound itself, and what is above the last", () => {
  const distribution = new Distribution({ link: ["one", "other"] }, [1, 2.5, 10]);
  for (const value of [0.5, 1, 2, 10, 11]) distribution.observe({ link: "other" }, value, 1);
  distribution.observe({ link: "other" }, 2, 3);
  expect(distribution.all()).toEqual([
    { labels: { link: "one" }, atMost: [0, 0, 0], count: 0, sum: 0 },
    { labels: { link: "other" }, atMost: [2, 6, 7], count: 8, sum: 30.5 },
  ]);
});

test("where nobody listens nothing is made, and nobody is asked which server it is", () => {
  const telemetry = new Telemetry(() => {
    throw new Error("expected nobody to ask");
  });
  const client = { connection: "a", user: null, session: null };
  telemetry.connectionOpened(client);
  telemetry.connectionClosed(client, "client");
  telemetry.refused("socket", new Error("a failure"));
  telemetry.published("lobby", false);
  telemetry.joined("lobby", false);
  telemetry.members.joined("lobby", null, "a-session");
  telemetry.commandFailed("commands", "away");
  expect([telemetry.hearsAppends, telemetry.hearsDeliveries, telemetry.hearsCommands]).toEqual([false, false, false]);
});

test("a collector counts the events of its own server alone, from its start to its end", () => {
  const [mine, theirs] = [{}, {}];
  const collector = new Collector(() => mine);
  const counted = () => collector.counts.get("signals_total")?.all()[0]?.value;
  const tell = () => {
    for (const server of [mine, theirs]) new Telemetry(() => server).signalled("lobby");
  };
  tell();
  expect(counted()).toBe(0);
  collector.start();
  tell();
  expect(counted()).toBe(1);
  collector.stop();
  tell();
  expect(counted()).toBe(1);
});

test("time is billed while at least one request or connection is open, and once for all of them", () => {
  let nowMs = 0;
  const server = createServer();
  const underWay = new UnderWay(server, () => nowMs);
  const [first, second] = [new EventEmitter(), new EventEmitter()];
  const at = (ms: number, happens: () => void) => {
    nowMs = ms;
    happens();
    return underWay.seconds;
  };
  expect(at(1_000, () => underWay.add(first))).toBe(0);
  expect(at(2_000, () => server.emit("upgrade", {}, second, Buffer.alloc(0)))).toBe(1);
  expect(at(4_000, () => first.emit("close"))).toBe(3);
  expect(at(5_000, () => second.emit("close"))).toBe(4);
  expect(at(60_000, () => undefined)).toBe(4);
  expect(at(60_000, () => underWay.add(new EventEmitter()))).toBe(4);
  expect(at(61_500, () => undefined)).toBe(5.5);
});
