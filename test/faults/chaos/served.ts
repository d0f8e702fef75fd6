import { START } from "../../../client/src/protocol/position.ts";
import { askData, connectStock } from "../../support/stock-client.ts";
import { waitFor } from "../../support/wait.ts";
import type { Entry } from "./history.ts";

const SERVED_WITHIN_MS = 10_000;

/** The whole log of a room as a server serves it; nothing where it goes on refusing. */
export async function readServed(url: string, room: string): Promise<readonly Entry[]> {
  return waitFor(() => readOnce(url, room), `the log of ${room} from ${url}`, SERVED_WITHIN_MS).catch(() => []);
}

async function readOnce(url: string, room: string): Promise<Entry[]> {
  using socket = await connectStock(url);
  const served: Entry[] = [];
  for (let isComplete = false; !isComplete; ) {
    const after = served.at(-1)?.position ?? START;
    const page = await askData(socket, "history:read", { room, after });
    served.push(...page.messages.map(({ position, data }) => ({ position, text: (data as { text: string }).text })));
    isComplete = page.complete || page.messages.length === 0;
  }
  return served;
}
