import { defineContract } from "@holdfast/client/contract";
import * as z from "zod";

/** What this application's rooms can say. The server checks by it, and both sides are typed by it. */
export const contract = defineContract({
  /** Kept in the room's log: every member gets each once, in order. */
  messages: {
    "chat:message": z.object({ text: z.string().min(1).max(4000) }),
  },
  /** For the members connected now, and not kept. */
  signals: {
    "chat:typing": z.object({}),
  },
});
