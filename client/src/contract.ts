import * as z from "zod";
import { POSITION_PATTERN, type Position } from "./protocol/position.ts";

/** `noun:verb`. The colon keeps an application's events apart from a room's own, such as `gap`. */
type EventName = `${string}:${string}`;

/**
 * What this application's rooms can say: event name -> schema of its data. This is the one file that an application
 * edits; the server checks every publish against it and the client's types follow from it.
 *
 * Unknown fields are errors, so that a typing mistake in a field name is told instead of stored.
 */
export const contract = {
  /** Kept in the room's log: every member gets each once, in order. */
  messages: {
    "chat:message": z.strictObject({ text: z.string().min(1).max(4000) }),
    "chat:reaction": z.strictObject({
      to: z.custom<Position>(
        (value) => typeof value === "string" && POSITION_PATTERN.test(value),
        "expected a position",
      ),
      emoji: z.string().min(1).max(32),
    }),
  },
  /** Ephemeral: told to whoever is there, never stored, may be lost. */
  signals: {
    "chat:typing": z.strictObject({}),
    "chat:cursor": z.strictObject({ x: z.number(), y: z.number() }),
  },
} satisfies Record<"messages" | "signals", Record<EventName, z.ZodType>>;

export type MessageEvent = keyof typeof contract.messages;
export type SignalEvent = keyof typeof contract.signals;
export type MessageData<Event extends MessageEvent> = z.infer<(typeof contract.messages)[Event]>;
export type SignalData<Event extends SignalEvent> = z.infer<(typeof contract.signals)[Event]>;
