import { limits } from "../../../client/src/protocol/limits.ts";
import { connectRaw } from "../../support/raw-websocket.ts";
import { sessionId } from "../../support/unique.ts";
import { sample } from "../inputs/sample.ts";
import { hostileToken } from "../inputs/tokens.ts";
import { type Attack, HANG_MS, shown, type Victim } from "./attack.ts";

const BATCH = 100;
/** Each attempt needs a connection of its own. */
const HANDSHAKES = 20;

/** Tokens of which none may be believed: in handshakes, on a connection that was admitted, and over HTTP. */
export const tokens: Attack = {
  kind: "tokens",
  async run(victim, seed) {
    const inputs = sample(hostileToken(victim.secret), seed, BATCH);
    const ways = [handshake, overHttp] as const;
    const believed = await Promise.all([
      ...inputs.map(async (token, index) => {
        const way = ways[index < HANDSHAKES ? 0 : 1];
        return (await way(victim, token)) ? [token] : [];
      }),
      refreshes(victim, inputs),
    ]);
    return { inputs: 2 * inputs.length, problems: believed.flat().map((token) => `believed: ${shown(token)}`) };
  },
};

async function handshake({ url }: Victim, token: string): Promise<boolean> {
  const auth = { protocol: limits.protocolVersion, session: sessionId(), token };
  try {
    using _client = await connectRaw(url, { auth });
    return true;
  } catch {
    return false;
  }
}

async function overHttp({ url }: Victim, token: string): Promise<boolean> {
  // What no header may hold is escaped; as a token it is as good as before.
  const authorization = `Bearer ${token.replace(/[^\x20-\x7e]/g, "?")}`;
  const signal = AbortSignal.timeout(HANG_MS);
  const answer = await fetch(`${url}/rooms/attacked-0/messages`, { headers: { authorization }, signal });
  await answer.arrayBuffer();
  return answer.status !== 401 && answer.status !== 431;
}

/** All on one connection. Returns those that were believed. */
async function refreshes({ url, token }: Victim, inputs: readonly string[]): Promise<string[]> {
  using client = await connectRaw(url, { auth: { protocol: limits.protocolVersion, session: sessionId(), token } });
  const answers = await Promise.all(inputs.map((each) => client.request("token:refresh", { token: each }, HANG_MS)));
  return inputs.filter((_, index) => (answers[index] as { ok: boolean }).ok);
}
