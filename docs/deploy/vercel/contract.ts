import { defineContract } from "@holdfast/client/contract";
import * as z from "zod";

export const contract = defineContract({
  messages: { "chat:message": z.object({ text: z.string().min(1).max(4000) }) },
});
