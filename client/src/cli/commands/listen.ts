import type { Delivery } from "../../sequencer.ts";
import { defineCommand } from "../command.ts";
import { connectedWithin, connectionOptions, openClient } from "../connected.ts";
import { exitCodes } from "../exit-codes.ts";

/** What a client goes on from by itself, where it has been connected once. */
const passing: readonly string[] = ["UNREACHABLE", "UPGRADE_REFUSED", "SERVER_FULL", "UNAVAILABLE", "RATE_LIMITED"];

export const listen = defineCommand({
  name: "listen",
  args: ["ROOM", "[EVENT]"],
  summary: "prints the room's messages as they come: time, position, event, user, data; Ctrl-C ends it",
  options: {
    ...connectionOptions,
    history: { value: "N", range: [0, 500], default: "0", summary: "begins with the newest N messages of the log" },
  },
  examples: ["listen lobby", "listen lobby chat:message --history 20", "listen lobby --json | jq .data"],
  async run({ args: [name = "", event], options, terminal }) {
    const client = openClient(options);
    const interrupted = terminal.interrupted();
    /** Lines of the room are its own; what happens around them is told beside them. */
    const tell = (what: string, detail: object) =>
      terminal.note(options.json ? JSON.stringify({ [what]: detail }) : noteOf(what, detail));
    try {
      const room = client.join(name, { history: options.history });
      room.on("message", (message) => {
        if (event === undefined || message.event === event) {
          terminal.out(options.json ? JSON.stringify(message) : lineOf(message));
        }
      });
      room.on("gap", (gap) => tell("gap", gap));
      const over = new Promise<never>((_, reject) => {
        room.on("error", reject);
        room.on("revoked", reject);
        client.on("error", (error) => {
          if (client.status === "connecting" || !passing.includes(error.code)) reject(error);
        });
      });
      const stopped = new Promise<void>((resolve) => interrupted.addEventListener("abort", () => resolve()));
      // Its end is either asked for, or told with its cause.
      client.on("status", (status) => status !== "closed" && tell("status", { status }));
      await Promise.race([connectedWithin(client, options), over, stopped]);
      await Promise.race([over, stopped]);
      return exitCodes.fine;
    } finally {
      await client.close();
    }
  },
});

function lineOf({ sentAtMs, position, event, from, data }: Delivery): string {
  return [new Date(sentAtMs).toISOString(), position, event, from.user ?? "-", JSON.stringify(data)].join("  ");
}

function noteOf(what: string, detail: object): string {
  return `${what}: ${Object.entries(detail)
    .map(([name, value]) => (name === what ? value : `${name} ${value}`))
    .join(", ")}`;
}
