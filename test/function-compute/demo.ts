import { parseArgs } from "node:util";
import { emulate } from "./emulate.ts";
import { parseFlags } from "./flags.ts";

const timeoutSeconds = "20";

const usage = `npm run demo -- [--port 9000] [--timeout ${timeoutSeconds}]

Two instances on the Function Compute emulator, which cuts every connection after so many seconds (at least 4), and the
application's page in front of them. Opens nothing; ends with Ctrl-C. PORT is taken where --port is not given. "npm run fc --
--help" has more flags, for other scenes.`;

function advice(url: string): string {
  return `
  Open ${url}/?name=Ann and ${url}/?name=Bo in two tabs, and talk.

  - The ring on the right counts down to the moment in which the platform cuts the connection. The tab moves before that:
    watch the name of the instance, and the lines here that begin with "move:".
  - "Cut my connection" ends it at once ("cut:" here). Write while it is away: it goes out later, once, in order.
  - Switch the network off in the browser's developer tools, write, and switch it on again.
  - "Gaps" stays at 0 through all of that: nothing was missed, and the page would say so where something was.
`;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: "string" },
      timeout: { type: "string", default: timeoutSeconds },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(usage);
  const flags = ["--timeout", values.timeout, "--min-instances", "2"];
  const port = values.port === undefined ? [] : ["--port", values.port];
  await emulate(parseFlags([...flags, ...port], process.env), advice);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
