import { setTimeout as delay } from "node:timers/promises";
import type { Acknowledgement } from "../../../client/src/protocol/acknowledgement.ts";
import { randomId } from "../../../client/src/random-id.ts";
import type { RawClient } from "../../support/raw-websocket.ts";

const REQUEST_TIMEOUT_MS = 60_000;

export interface PublishMany {
  readonly room: string;
  readonly messages: number;
  /** Publishes that each client has in flight. */
  readonly inFlight: number;
}

/**
 * Publishes over all clients and resolves when every message is stored. What a connection is refused for its rate is
 * sent again after the server's delay; any other refusal rejects.
 */
export async function publishMany(clients: readonly RawClient[], options: PublishMany): Promise<void> {
  const { room, messages, inFlight } = options;
  let sent = 0;
  const lane = async (client: RawClient) => {
    while (sent < messages) {
      sent += 1;
      await publish(client, room);
    }
  };
  await Promise.all(clients.flatMap((client) => Array.from({ length: inFlight }, () => lane(client))));
}

async function publish(client: RawClient, room: string): Promise<void> {
  const payload = { room, id: randomId(), event: "chat:message", data: { text: "hello" } };
  for (;;) {
    const answer = (await client.request("message:publish", payload, REQUEST_TIMEOUT_MS)) as Acknowledgement<unknown>;
    if (answer.ok) return;
    if (answer.error.code !== "RATE_LIMITED") throw new Error(`publish refused: ${JSON.stringify(answer.error)}`);
    await delay(answer.error.retryAfterMs);
  }
}
