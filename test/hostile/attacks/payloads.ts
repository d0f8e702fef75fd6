import * as z from "zod";
import { limits } from "../../../client/src/protocol/limits.ts";
import { connectRaw } from "../../support/raw-websocket.ts";
import { sessionId } from "../../support/unique.ts";
import { hostileRequest } from "../inputs/payloads.ts";
import { sample } from "../inputs/sample.ts";
import { Answers } from "./answers.ts";
import { type Attack, HANG_MS, shown } from "./attack.ts";

/** As many as the limit of a connection lets pass, so that they are read and not refused for their number. */
const BATCH = 300;
const FIRST_ID = 1_000;
const LONGEST_MESSAGE = 2_000;

const acknowledgement = z.discriminatedUnion("ok", [
  z.object({ ok: z.literal(true) }),
  z.object({ ok: z.literal(false), error: z.object({ code: z.string(), message: z.string() }) }),
]);

/** Requests on a connection that was admitted. Each can be answered, so each is, and the connection stays. */
export const payloads: Attack = {
  kind: "payloads",
  async run({ url, token }, seed) {
    const inputs = sample(hostileRequest, seed, BATCH);
    const answers = new Answers();
    const auth = { protocol: limits.protocolVersion, session: sessionId(), token };
    using client = await connectRaw(url, { auth, onAnswer: answers.take });
    const ids = inputs.map((content, index) => {
      client.send(`42${FIRST_ID + index}${content}`);
      return FIRST_ID + index;
    });
    await answers.until(ids, client.closed, HANG_MS);
    const problems = inputs.flatMap((content, index) => {
      const problem = problemOf(answers.get(FIRST_ID + index));
      return problem === undefined ? [] : [`${problem}: ${shown(content)}`];
    });
    return { inputs: inputs.length, problems };
  },
};

function problemOf(answer: unknown): string | undefined {
  const parsed = acknowledgement.safeParse(answer);
  if (!parsed.success) return `no answer but ${shown(answer)}`;
  if (parsed.data.ok) return undefined;
  const { code, message } = parsed.data.error;
  if (code === "INTERNAL") return "answered with INTERNAL";
  return message.length > LONGEST_MESSAGE ? `a message of ${message.length} characters` : undefined;
}
