import { controlFrame, openFrames } from "../../support/raw-frames.ts";
import { withTimeout } from "../../support/wait.ts";
import { hostileFrames } from "../inputs/frames.ts";
import { sample } from "../inputs/sample.ts";
import { type Attack, HANG_MS, type Victim } from "./attack.ts";

const BATCH = 60;
/** Sent in one go; few, because most end the connection, and what follows is sent again. */
const IN_FLIGHT = 6;

/** Frames on a WebSocket that nobody was admitted on, a ping behind each and the end behind all of them. */
export const frames: Attack = {
  kind: "frames",
  async run(victim, seed) {
    const inputs = sample(hostileFrames, seed, BATCH);
    let done = 0;
    while (done < inputs.length) done += await sendSome(victim, inputs.slice(done, done + IN_FLIGHT));
    return { inputs: done, problems: [] };
  },
};

/** Returns how many of the inputs the server has read: those whose pings it answered, and the one that it did not outlive. */
async function sendSome({ url }: Victim, inputs: readonly Buffer[]): Promise<number> {
  using raw = await openFrames(url);
  const fenced = inputs.map((input, index) => Buffer.concat([input, controlFrame("ping", `fence ${index}`)]));
  await raw.write(Buffer.concat(fenced));
  raw.end();
  await withTimeout(raw.closed, "the server to end a connection whose client has", HANG_MS);
  const answered = new Set(raw.texts("pong"));
  const survived = inputs.findIndex((_, index) => !answered.has(`fence ${index}`));
  return survived === -1 ? inputs.length : survived + 1;
}
