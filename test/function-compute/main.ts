import { emulate } from "./emulate.ts";
import { parseFlags, usage } from "./flags.ts";

async function main(): Promise<void> {
  const flags = parseFlags(process.argv.slice(2), process.env);
  if (flags.help) console.log(usage);
  else await emulate(flags);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
