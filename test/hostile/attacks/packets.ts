import { limits } from "../../../client/src/protocol/limits.ts";
import { connectRaw } from "../../support/raw-websocket.ts";
import { sessionId } from "../../support/unique.ts";
import { hostilePacket, type PacketInput } from "../inputs/packets.ts";
import { sample } from "../inputs/sample.ts";
import { Answers } from "./answers.ts";
import { type Attack, HANG_MS, type Victim } from "./attack.ts";

const BATCH = 100;
/** What is sent in one go. The server drops what follows an input that closes the connection, and that is sent again. */
const IN_FLIGHT = 10;
const FIRST_FENCE = 500_000;

/** Packets on a connection that was admitted, a question behind each: it is answered, or the connection is over. */
export const packets: Attack = {
  kind: "packets",
  async run(victim, seed) {
    const inputs = sample(hostilePacket, seed, BATCH);
    let done = 0;
    while (done < inputs.length) done += await sendSome(victim, inputs.slice(done));
    return { inputs: done, problems: [] };
  },
};

/** Sends inputs on a connection of their own until one of them closes it. Returns how many the server has read. */
async function sendSome({ url, token }: Victim, inputs: readonly PacketInput[]): Promise<number> {
  const answers = new Answers();
  const auth = { protocol: limits.protocolVersion, session: sessionId(), token };
  using client = await connectRaw(url, { auth, onAnswer: answers.take });
  for (let from = 0; from < inputs.length; from += IN_FLIGHT) {
    const fences = inputs.slice(from, from + IN_FLIGHT).map((input, index) => {
      for (const part of input) typeof part === "string" ? client.send(part) : client.sendBytes(part);
      const fence = FIRST_FENCE + from + index;
      client.send(`42${fence}["echo",0]`);
      return fence;
    });
    await answers.until(fences, client.closed, HANG_MS);
    const survived = fences.findIndex((fence) => !answers.has(fence));
    if (survived !== -1) return from + survived + 1;
  }
  return inputs.length;
}
