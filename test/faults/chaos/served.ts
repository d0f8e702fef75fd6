import { START } from "../../../client/src/protocol/position.ts";
import { askData, connectStock } from "../../support/stock-client.ts";
import type { Entry } from "./history.ts";

/** The whole log of a room as a server serves it. */
export async function readServed(url: string, room: string): Promise<Entry[]> {
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
