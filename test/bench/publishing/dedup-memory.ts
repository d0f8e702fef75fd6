import { roomKeys } from "../../../server/src/log/keys.ts";
import { connectRaw } from "../../support/raw-websocket.ts";
import { uniqueRoom } from "../../support/unique.ts";
import { defineBench, progress } from "../bench.ts";
import { deploy } from "../rig/deployment.ts";
import { RedisInspector } from "../rig/measure.ts";
import { publishMany } from "./publish-many.ts";

const CONNECTIONS = 20;
const IN_FLIGHT = 50;
const STEPS = [1_000, 10_000, 100_000];
const KEY_PREFIX = "bench";
/** One turn that is longer than the bench, so that no id is forgotten meanwhile. */
const PUBLISH_DEDUP_SECONDS = "86400";

export const dedupMemory = defineBench<"most">({
  summary: "Redis memory per remembered message id, at 1,000, 10,000 and 100,000 ids of one room",
  options: { most: { default: 100_000, meaning: "largest number of ids that is measured" } },
  async run({ most }) {
    await using deployment = await deploy("holdfast", { instances: 1, env: { KEY_PREFIX, PUBLISH_DEDUP_SECONDS } });
    await using inspector = await new RedisInspector(deployment.redis.url).connect();
    const { url } = deployment.server(0);
    const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => connectRaw(url)));
    const room = uniqueRoom("dedup");
    const keys = roomKeys(KEY_PREFIX, room);
    const hashes = [keys.ids0, keys.ids1];
    const steps = STEPS.filter((step) => step <= most);
    const measured: { ids: number; bytes: number }[] = [];
    for (const step of steps) {
      progress(`publishing up to ${step} messages`);
      const messages = step - (measured.at(-1)?.ids ?? 0);
      await publishMany(clients, { room, messages, inFlight: IN_FLIGHT });
      const bytes = await Promise.all(hashes.map((key) => inspector.memoryBytes(key)));
      const fields = await Promise.all(hashes.map((key) => inspector.hashFields(key)));
      // Each hash holds two fields of its own, which tell when it began and for how long its ids count.
      const ids = fields.reduce((sum, count) => sum + Math.max(0, count - 2), 0);
      measured.push({ ids, bytes: bytes.reduce((sum, count) => sum + count, 0) });
    }
    for (const client of clients) client.terminate();
    const wrong = measured.filter(({ ids }, index) => ids !== steps[index]);
    return {
      columns: steps.map((step) => `${step.toLocaleString("en")} ids`),
      figures: [
        { name: "memory of the ids", unit: "bytes", values: measured.map(({ bytes }) => bytes) },
        { name: "memory per remembered id", unit: "bytes", values: measured.map(({ ids, bytes }) => bytes / ids) },
      ],
      targets: [],
      failures: wrong.map(({ ids }) => `expected ${steps.join(", ")} remembered ids, got ${ids}`),
    };
  },
});
