import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { seededRandom } from "../../support/random.ts";
import { readServiceFile } from "../service-file.ts";
import { cloudRunBill, functionComputeBill } from "./bill.ts";
import { forecast } from "./forecast.ts";
import { picture } from "./picture.ts";
import { describeBill, describeSpans, headline } from "./words.ts";

const usage = `npm run cost -- s.yaml [flags]: the bill before you deploy

  --connections 1000     clients that stay connected
  --hours 24             for so long
  --arrival 300          seconds in which they come
  --max-instances 300    above it connections are refused
  --seed 1               the same seed gives the same chances
  --svg cost.svg         also draws instances, moves and billed time
  --json                 prints everything as JSON`;

/** Stands for variables that the file asks for and that no price depends on. */
const anyVariable = new Proxy<Record<string, string>>({}, { get: () => "{}", has: () => true });

try {
  await run(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  console.error(`\n${usage}`);
  process.exitCode = 1;
}

async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      connections: { type: "string", default: "1000" },
      hours: { type: "string", default: "24" },
      arrival: { type: "string", default: "300" },
      "max-instances": { type: "string", default: "300" },
      seed: { type: "string", default: "1" },
      svg: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(usage);
  const number = (
    name: "connections" | "hours" | "arrival" | "max-instances" | "seed",
    least: number,
    most: number,
  ) => {
    const value = Number(values[name]);
    if (value >= least && value <= most) return value;
    throw new Error(`--${name}: expected a number from ${least} to ${most}, got "${values[name]}"`);
  };
  const [file = "s.yaml"] = positionals;
  const { settings } = readServiceFile(file, anyVariable);
  const plan = {
    connections: Math.round(number("connections", 1, 1_000_000)),
    hours: number("hours", 0.01, 8_760),
    arrivalSeconds: number("arrival", 0, 86_400),
    lifetimeSeconds: settings.timeoutSeconds,
    instanceConcurrency: settings.instanceConcurrency,
    maxInstances: Math.round(number("max-instances", 1, 100_000)),
  };
  const found = forecast(plan, seededRandom(number("seed", 0, 2 ** 32)));
  const { billedSeconds, calls } = found;
  const { cpu, memoryMb, minInstances } = settings;
  const used = { billedSeconds, calls, hours: plan.hours, cpu, memoryMb, minInstances };
  const bills = { "Function Compute": functionComputeBill(used), "Cloud Run": cloudRunBill(used) };
  const title = headline(plan, settings);
  if (values.svg !== undefined) await writeFile(values.svg, picture(title, found.spans));
  if (values.json) return console.log(JSON.stringify({ plan, ...found, bills }));
  console.log(`${title}\n\n${describeSpans(found.spans)}\n`);
  console.log(
    `${found.moves.toLocaleString("en")} moves, ${calls.toLocaleString("en")} calls, ${found.mostInstances} instances at most; full instances would be ${Math.ceil(plan.connections / plan.instanceConcurrency)}`,
  );
  if (found.refused > 0) {
    const limit = `${plan.maxInstances} instances with ${plan.instanceConcurrency} connections each`;
    console.log(
      `${found.refused.toLocaleString("en")} connections were refused: ${limit} are full. Raise instanceConcurrency.`,
    );
  }
  for (const [name, bill] of Object.entries(bills)) console.log(`\n${describeBill(name, bill)}`);
  console.log("\nTraffic, Redis and logs are billed beside it. Prices of 2026, without free tiers.");
}
