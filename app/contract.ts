import { defineContract } from "@holdfast/client/contract";
import * as z from "zod";

/** As people call themselves. Nobody checks it: where users sign in, `from.user` says who somebody is. */
const name = z.string().min(1).max(64);

/**
 * What this application's rooms can say. The server checks every publish by it, and the types of server and browser
 * follow from it. Unknown fields are errors, so that a typing mistake in a field's name is refused instead of stored.
 */
export const contract = defineContract({
  /** Kept in the room's log: every member gets each once, in order. */
  messages: {
    /** With the sender's name, because the log outlives the list of members. */
    "chat:message": z.strictObject({ text: z.string().min(1).max(4000), name: name.optional() }),
    /** The last word of a sender about an emoji counts. */
    "chat:reaction": z.strictObject({
      to: z.string().regex(/^\d{1,15}-\d{1,15}$/),
      emoji: z.string().min(1).max(32),
      withdrawn: z.boolean().optional(),
    }),
  },
  /** For the members connected now: never stored, may be lost. */
  signals: {
    "chat:typing": z.strictObject({}),
    "chat:cursor": z.strictObject({ x: z.number(), y: z.number() }),
  },
  /** What a member says of itself. */
  presence: z.strictObject({ name }),
  /** What a client asks the server about its own connection. */
  requests: {
    "server:where": {
      payload: z.strictObject({}),
      answer: z.strictObject({
        instance: z.string(),
        ageMs: z.int(),
        /** Until the platform cuts the connection; null where nothing does. */
        leftMs: z.int().nullable(),
      }),
    },
    "server:cut": { payload: z.strictObject({}), answer: z.strictObject({}) },
  },
});
