import { defineBench, progress } from "../bench.ts";
import { bars } from "../plots.ts";
import { deploy } from "../rig/deployment.ts";
import { busyFailures, busyFigures, perDelivered } from "../rooms/busy-report.ts";
import { type Load, type Round, startSide } from "../rooms/side.ts";

const instances = 2;
/** Long enough that the code which deflates is compiled. */
const warmUpSeconds = 4;
/** What is asked of compression: it is off unless somebody pays for traffic, and then has to be worth it. */
const cpuRatioAtMost = 1.3;
const bytesRatioAtMost = 0.5;
const compressFromBytes = 256;

export const compression = defineBench({
  summary:
    "what COMPRESS_FROM_BYTES saves of the traffic of records of 1 KB, and what it costs in CPU, on two instances",
  options: {
    rooms: { default: 1, meaning: "rooms" },
    members: { default: 200, meaning: "members of all rooms together, spread over them and both instances" },
    rate: {
      default: 50,
      meaning: "messages per second of all rooms together; so few go out one by one, the hard case",
    },
    seconds: { default: 8, meaning: "seconds of messages measured without and with compression, after a warm-up" },
    rounds: { default: 4, meaning: "rounds that these seconds are divided into; the sides take turns" },
  },
  async run(values) {
    const { rate, seconds, rounds } = values;
    await using off = await open(0, values);
    await using on = await open(compressFromBytes, values);
    const sides = [off, on];
    for (const side of sides) await side.measure(rate * warmUpSeconds);
    const columns: Round[][] = sides.map(() => []);
    for (let round = 1; round <= rounds; round += 1) {
      progress(`round ${round} of ${rounds}`);
      for (const [index, side] of sides.entries()) {
        columns[index]?.push(await side.measure(Math.ceil((rate * seconds) / rounds)));
      }
    }
    const [without = [], compressed = []] = columns;
    const ratio = (cost: "serverUs" | "receivedBytes") => perDelivered(compressed, cost) / perDelivered(without, cost);
    const names = ["off", "on"];
    const bytes = columns.map((each) => perDelivered(each, "receivedBytes"));
    return {
      columns: names,
      figures: busyFigures(columns),
      targets: [
        { name: "CPU per delivered message, on to off", unit: "x", value: ratio("serverUs"), atMost: cpuRatioAtMost },
        {
          name: "bytes per delivered message, on to off",
          unit: "x",
          value: ratio("receivedBytes"),
          atMost: bytesRatioAtMost,
        },
      ],
      failures: columns.flatMap((each) => busyFailures(each)),
      plots: [
        bars("Bytes that a member receives for a message", names, [{ name: "received", unit: "bytes", values: bytes }]),
      ],
    };
  },
});

async function open(fromBytes: number, values: Load) {
  const env = { COMPRESS_FROM_BYTES: String(fromBytes) };
  const deployment = await deploy("holdfast", { instances, env, entry: "test/bench/compression/records-server.mjs" });
  return startSide(deployment, values, new URL("./wire-members.ts", import.meta.url));
}
