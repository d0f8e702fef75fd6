import { defineCommand } from "../command.ts";
import { connectionOptions } from "../connected.ts";
import { checks, examine } from "../doctor/checks.ts";
import type { Finding } from "../doctor/finding.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";

/** Where one of these fails, nothing that could be talked to is there. */
const reaching: readonly string[] = ["name", "port"];
const checkWidth = Math.max(...checks.map(({ name }) => name.length));

export const doctor = defineCommand({
  name: "doctor",
  args: ["URL"],
  summary: "says what is wrong between here and a deployment, each with the next step",
  options: {
    token: connectionOptions.token,
    origin: { value: "ORIGIN", summary: "the origin of the page that connects, https://app.example" },
    room: { value: "ROOM", summary: "a room in which rights are looked at; nothing is stored there" },
    watch: {
      value: "SECONDS",
      range: [0, 86_400],
      default: "0",
      summary: "watches two connections for so long, for what cuts them",
    },
    wait: { ...connectionOptions.wait, default: "5" },
  },
  examples: [
    "doctor https://rooms.example.com",
    "doctor https://rooms.example.com --origin https://app.example --token $TOKEN --room lobby",
    "doctor https://rooms.example.com --watch 70",
  ],
  async run({ args: [url = ""], options, terminal }) {
    const visit = {
      url,
      token: options.token,
      origin: options.origin,
      room: options.room,
      watchSeconds: options.watch,
      waitMs: options.wait * 1000,
      interrupted: options.watch === 0 ? new AbortController().signal : terminal.interrupted(),
      address: { origin: "", socketPath: "" },
    };
    const findings = await examine(visit, (finding) => {
      if (!options.json) for (const line of linesOf(finding)) terminal.out(line);
    });
    const failed = findings.filter(({ state }) => state === "fail");
    if (options.json) terminal.out(JSON.stringify({ url, isWell: failed.length === 0, findings }));
    else
      terminal.note(
        failed.length === 0 ? "Nothing is wrong." : `Wrong: ${failed.map(({ check }) => check).join(", ")}.`,
      );
    return exitCodeOf(failed);
  },
});

function exitCodeOf(failed: readonly Finding[]): ExitCode {
  if (failed.length === 0) return exitCodes.fine;
  return failed.some(({ check }) => reaching.includes(check)) ? exitCodes.unreachable : exitCodes.failed;
}

function linesOf({ check, state, found, next }: Finding): string[] {
  const line = `${state.padEnd(7)}  ${check.padEnd(checkWidth)}  ${found}`;
  return next === undefined ? [line] : [line, `${" ".repeat(checkWidth + 11)}→ ${next}`];
}
