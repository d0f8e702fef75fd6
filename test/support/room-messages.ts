import type { Message } from "../../client/src/protocol/index.ts";
import { askData, type Collected, type StockSocket } from "./stock-client.ts";
import { messageId } from "./unique.ts";

/** The messages of one room that were delivered live, in order of arrival. */
export function live({ items }: Collected<"message:published">, room: string): Message[] {
  return items.filter((item) => item.room === room).flatMap(({ messages }) => messages);
}

export const textOf = ({ data }: Message) => (data as { text: string }).text;
export const positionOf = ({ position }: Message) => position;

/** Publishes a chat message; its acknowledgement must be a success. */
export function publish(socket: StockSocket, room: string, text: string, { id = messageId(), after = "" } = {}) {
  const payload = { room, id, event: "chat:message", data: { text }, ...(after === "" ? {} : { after }) };
  return askData(socket, "message:publish", payload);
}
