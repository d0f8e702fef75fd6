import { randomId } from "../../random-id.ts";
import { isWell, textOf } from "../bench/report.ts";
import { runBench } from "../bench/run-bench.ts";
import { defineCommand } from "../command.ts";
import { connectionOptions } from "../connected.ts";
import { exitCodes } from "../exit-codes.ts";
import { parseJson } from "../parse-json.ts";

export const bench = defineCommand({
  name: "bench",
  args: ["URL"],
  summary: "connects clients, publishes, and measures: latencies, losses, and one move",
  options: {
    token: connectionOptions.token,
    clients: { value: "N", range: [1, 1000], default: "10", summary: "how many clients, all in one room" },
    rate: { value: "N", range: [1, 10_000], default: "20", summary: "publishes a second, of all clients together" },
    seconds: { value: "N", range: [1, 86_400], default: "10", summary: "how long they publish" },
    room: { value: "ROOM", summary: "the room; by default a new one that nobody else is in, `bench-…`" },
    event: { value: "EVENT", default: "chat:message", summary: "an event of the application's contract" },
    data: { value: "JSON", default: '{"text":"bench"}', summary: "its data" },
    wait: connectionOptions.wait,
  },
  examples: [
    "bench https://rooms.example.com",
    "bench https://rooms.example.com --clients 50 --rate 100 --seconds 60 --json",
    `bench http://localhost:9000 --event poll:vote --data '{"option":1}'`,
  ],
  async run({ args: [url = ""], options, terminal }) {
    const data = parseJson(options.data, "--data");
    const room = options.room ?? `bench-${randomId()}`;
    const report = await runBench({ ...options, url, room, data }, terminal);
    terminal.out(options.json ? JSON.stringify({ isWell: isWell(report), ...report }) : textOf(report));
    return isWell(report) ? exitCodes.fine : exitCodes.failed;
  },
});
