import type { ChatRoom } from "../support/chat.ts";
import { numbered } from "../support/client-rig.ts";

/**
 * Publishes `m0`, `m1`, … at a steady rate.
 *
 * @returns a function that ends it, waits until everything is stored, and gives back what was
 */
export function publishSteadily(room: ChatRoom, everyMs: number): () => Promise<string[]> {
  const stored: Promise<unknown>[] = [];
  const timer = setInterval(() => stored.push(room.publish("chat:message", { text: `m${stored.length}` })), everyMs);
  return async () => {
    clearInterval(timer);
    await Promise.all(stored);
    return numbered(0, stored.length);
  };
}
