import { defineContract } from "@holdfast/client/contract";
import * as z from "zod";

/** The contract of an application of one's own, for what the packages promise to it. */
export const auction = defineContract({
  messages: { "bid:placed": z.object({ amount: z.number().positive() }) },
  serverMessages: { "lot:sold": z.object({ to: z.string() }) },
  signals: { "bid:raised-hand": z.object({ seat: z.number() }) },
});
