import { connectRaw, type RawClient } from "../../support/raw-websocket.ts";
import { uniqueRoom } from "../../support/unique.ts";
import { defineBench } from "../bench.ts";
import { deploy } from "../rig/deployment.ts";
import { type CommandCounts, countsBetween, RedisInspector } from "../rig/measure.ts";
import { publishMany } from "./publish-many.ts";

/** What a server sends as a command of its own; every other count comes from inside a script. */
const ROUND_TRIPS = ["evalsha"];
/** What is not caused by publishing: this bench's own questions, and the probes of the links (EVAL). */
const UNRELATED = new Set(["eval", "info", "ping", "hello", "client|setname", "client|setinfo"]);
/** Connections that publish to the busy room; one alone would be limited to a rate. */
const CONNECTIONS = 20;

export const publishCost = defineBench<"messages" | "inFlight">({
  summary: "Redis round trips and commands per publish, in a quiet and in a busy room",
  options: {
    messages: { default: 2_000, meaning: "messages published in each of the two rooms" },
    inFlight: { default: 200, meaning: "publishes in flight at a time in the busy room" },
  },
  async run({ messages, inFlight }) {
    await using deployment = await deploy("holdfast", { instances: 1 });
    await using inspector = await new RedisInspector(deployment.redis.url).connect();
    const { url } = deployment.server(0);
    const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => connectRaw(url)));
    const measure = async (publishers: readonly RawClient[], inFlightEach: number): Promise<CommandCounts> => {
      const before = await inspector.commandCounts();
      await publishMany(publishers, { room: uniqueRoom("cost"), messages, inFlight: inFlightEach });
      return countsBetween(before, await inspector.commandCounts());
    };
    const columns = [await measure(clients.slice(0, 1), 1), await measure(clients, Math.ceil(inFlight / CONNECTIONS))];
    for (const client of clients) client.terminate();
    const perMessage = (counts: CommandCounts, names: readonly string[]) =>
      names.reduce((sum, name) => sum + (counts.get(name) ?? 0), 0) / messages;
    const names = [...new Set(columns.flatMap((counts) => [...counts.keys()]))]
      .filter((name) => !ROUND_TRIPS.includes(name) && !UNRELATED.has(name))
      .sort();
    // To two places: now and then a room that is published to is checked, which is one round trip in fifteen seconds.
    const quiet = Number(perMessage(columns[0] ?? new Map(), ROUND_TRIPS).toFixed(2));
    return {
      columns: ["quiet: one at a time", `busy: ${inFlight} in flight`],
      figures: [
        { name: "round trips per publish", unit: "", values: columns.map((counts) => perMessage(counts, ROUND_TRIPS)) },
        ...names.map((name) => ({
          name: `  inside the script: ${name}`,
          unit: "per publish",
          values: columns.map((counts) => perMessage(counts, [name])),
        })),
      ],
      targets: [{ name: "round trips of a quiet publish", unit: "", value: quiet, atMost: 1 }],
      failures: [],
    };
  },
});
