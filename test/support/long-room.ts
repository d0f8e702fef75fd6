import { connectRaw, type RawClient } from "./raw-websocket.ts";
import { messageId, uniqueRoom } from "./unique.ts";

/** The longest text that the contract lets pass, in the characters that take most bytes. */
const longText = "好".repeat(4_000);

export async function publishLong(publisher: RawClient, room: string): Promise<string> {
  const message = { room, id: messageId(), event: "chat:message", data: { text: longText } };
  const answer = await publisher.request("message:publish", message, 20_000);
  return (answer as { data: { position: string } }).data.position;
}

/** A room with so many long messages, and their positions, oldest first. */
export async function longRoom(url: string, messages: number): Promise<{ room: string; positions: string[] }> {
  const room = uniqueRoom("long");
  using publisher = await connectRaw(url);
  const positions: string[] = [];
  while (positions.length < messages) {
    const some = Math.min(100, messages - positions.length);
    positions.push(...(await Promise.all(Array.from({ length: some }, () => publishLong(publisher, room)))));
  }
  return { room, positions };
}
