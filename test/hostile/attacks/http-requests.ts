import { connect as connectTcp } from "node:net";
import { withTimeout } from "../../support/wait.ts";
import { hostileHttp } from "../inputs/http-requests.ts";
import { sample } from "../inputs/sample.ts";
import { type Attack, HANG_MS, shown, type Victim } from "./attack.ts";

const BATCH = 100;

/** After it the server closes the connection, unless it takes this for a part of what came before. */
const lastRequest = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
const UNFINISHED_AFTER_MS = 500;

/** Requests and what pretends to be one, on a TCP connection each. */
export const httpRequests: Attack = {
  kind: "http",
  async run(victim, seed) {
    const inputs = sample(hostileHttp(`Bearer ${victim.token}`), seed, BATCH);
    const answers = await Promise.all(inputs.map((input) => answerTo(victim, input)));
    const problems = inputs.flatMap((input, index) => {
      const answer = answers[index] ?? "";
      const failed = /HTTP\/1\.1 5(?!03)\d\d/.exec(answer)?.[0];
      return failed === undefined ? [] : [`answered with ${failed}: ${shown(input)}`];
    });
    return { inputs: inputs.length, problems };
  },
};

/** All that the server sends until it closes the connection. */
async function answerTo({ url }: Victim, input: Buffer): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connectTcp(Number(port), hostname);
  let answer = "";
  socket.on("error", () => undefined);
  socket.on("data", (bytes: Buffer) => {
    answer += bytes.toString("latin1");
  });
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.write(input);
  socket.write(lastRequest);
  // Node.js gives up a request whose client has ended the connection. So it is ended here only where the server still
  // waits for the rest of something.
  const end = setTimeout(() => socket.end(), UNFINISHED_AFTER_MS);
  try {
    await withTimeout(closed, `the server to end the connection after ${shown(input)}`, HANG_MS);
  } finally {
    clearTimeout(end);
    socket.destroy();
  }
  return answer;
}
