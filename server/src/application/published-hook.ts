import type { Message, Position } from "@holdfast/client/protocol";
import type { Draft } from "../log/group-commit.ts";
import { messageOf } from "../log/message-json.ts";
import type { Application, HookContext } from "./application.ts";
import { runHook } from "./hooks.ts";

/** Is called for a message that was stored just now. */
export type OnStored = (room: string, position: Position, draft: Draft) => void;

/**
 * Tells the application's `onPublished` of what was stored, room by room: one call at a time, in the order in which the
 * appends were answered. What is stored while a call runs goes into the next one together, so that a slow hook makes
 * fewer calls and no queue of them. Undefined where the application has no such hook.
 */
export function createPublishedHook<C>(
  { onPublished }: Pick<Application<C>, "onPublished">,
  context: Pick<HookContext<C>, "server" | "logger">,
): OnStored | undefined {
  if (onPublished === undefined) return undefined;
  /** The messages that wait for the next call; a room has an entry as long as a call for it runs. */
  const waiting = new Map<string, Message[]>();

  const tell = async (room: string) => {
    for (;;) {
      const messages = waiting.get(room) ?? [];
      if (messages.length === 0) break;
      waiting.set(room, []);
      try {
        await runHook("onPublished", context, (hook) => onPublished({ room, messages }, hook));
      } catch (err) {
        context.logger.error({ err, room }, "onPublished failed");
      }
    }
    waiting.delete(room);
  };

  return (room, position, { body }) => {
    const message = messageOf(position, body);
    const others = waiting.get(room);
    if (others !== undefined) {
      others.push(message);
      return;
    }
    waiting.set(room, [message]);
    void tell(room);
  };
}
