import { defineContract } from "@holdfast/client/contract";
import * as z from "zod";

/**
 * What this application's rooms can say. The server checks every publish by it, and the types of server and browser
 * follow from it. Unknown fields are errors, so that a typing mistake in a field's name is refused instead of stored.
 */
export const contract = defineContract({
  /** Kept in the room's log: every member gets each once, in order. */
  messages: {
    "chat:message": z.strictObject({ text: z.string().min(1).max(4000) }),
    "chat:reaction": z.strictObject({ to: z.string().regex(/^\d{1,15}-\d{1,15}$/), emoji: z.string().min(1).max(32) }),
  },
  /** For the members connected now: never stored, may be lost. */
  signals: {
    "chat:typing": z.strictObject({}),
    "chat:cursor": z.strictObject({ x: z.number(), y: z.number() }),
  },
});
