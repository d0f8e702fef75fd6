import { limits } from "../../../client/src/protocol/limits.ts";
import { connectRaw, type RawClient } from "../../support/raw-websocket.ts";

/** Connects with a session and becomes a member; the answer says that it is one. */
export async function openMember(url: string, room: string, session: string): Promise<RawClient> {
  const client = await connectRaw(url, { auth: { protocol: limits.protocolVersion, session } });
  await askRaw(client, "room:join", { room, presence: true });
  return client;
}

/** Asks, and gives the data of the answer. Throws where it is a refusal. */
export async function askRaw<Data>(client: RawClient, event: string, payload: unknown): Promise<Data> {
  const answer = (await client.request(event, payload, 60_000)) as { ok: boolean; data: Data; error?: unknown };
  if (!answer.ok) throw new Error(`expected ${event} to succeed, got ${JSON.stringify(answer.error)}`);
  return answer.data;
}
