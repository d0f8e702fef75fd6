import { defineCommand } from "../command.ts";
import { answered, connectionOptions, withClient } from "../connected.ts";
import { exitCodes } from "../exit-codes.ts";
import { parseJson } from "../parse-json.ts";
import { usageError } from "../refusal.ts";
import type { Terminal } from "../terminal.ts";

/** Publishes of standard input that are under way at a time: few, so that a refusal ends it before much follows. */
const inFlight = 32;

export const publish = defineCommand({
  name: "publish",
  args: ["ROOM", "EVENT", "JSON"],
  summary: "stores a message and prints its position; - in place of JSON reads standard input, a message a line",
  options: {
    ...connectionOptions,
    id: {
      value: "ID",
      summary:
        "the message's id, 8 to 64 characters of A-Z a-z 0-9 _ -: repeated, it is stored once; by default random",
    },
  },
  examples: [
    `publish lobby chat:message '{"text":"hello"}'`,
    `publish lobby chat:message '{"text":"once"}' --id order-4711`,
    "publish lobby chat:message - < messages.jsonl",
  ],
  async run({ args: [room = "", event = "", json = ""], options, terminal }) {
    if (json === "-" && options.id !== undefined) {
      throw usageError("--id names one message, and standard input may hold several.");
    }
    const data = json === "-" ? undefined : parseJson(json, "JSON");
    return withClient(options, async (client) => {
      const send = async (value: unknown) => {
        const { id } = options;
        const sent = client.publish(room, event, value, id === undefined ? {} : { id });
        const stored = await answered(sent, "the publish", options.wait);
        terminal.out(
          options.json ? JSON.stringify(stored) : `${stored.position}${stored.duplicate ? "  duplicate" : ""}`,
        );
      };
      if (json === "-") await publishLines(send, terminal);
      else await send(data);
      return exitCodes.fine;
    });
  },
});

/** Several are under way, and stored in the order of the lines. The first that fails is the last. */
async function publishLines(send: (data: unknown) => Promise<void>, terminal: Terminal): Promise<void> {
  const sent: Promise<void>[] = [];
  let hasFailed = false;
  let number = 0;
  try {
    for await (const line of terminal.lines()) {
      number += 1;
      if (line.trim() === "") continue;
      const one = send(parseJson(line, `line ${number}`));
      one.catch(() => {
        hasFailed = true;
      });
      sent.push(one);
      if (sent.length >= inFlight) await sent.shift();
      if (hasFailed) break;
    }
    await Promise.all(sent);
  } finally {
    await Promise.allSettled(sent);
  }
}
