import { defineContract, fitsContract } from "@holdfast/client/contract";
import { expect, test } from "vitest";
import * as z from "zod";

const note = (schema: z.ZodType<string | number>) => ({ messages: { note: schema } });
const contract = defineContract({
  messages: { note: z.string() },
  serverMessages: { paid: z.object({ order: z.string() }) },
  rooms: { "doc:*": note(z.number()), "doc:public:*": note(z.literal("public")), "doc:1": note(z.literal("one")) },
});
const fits = fitsContract(contract);

test.each([
  ["lobby", "note", "text", true],
  ["lobby", "note", 1, false],
  ["lobby", "paid", { order: "4711" }, true],
  ["lobby", "paid", "4711", false],
  ["lobby", "unknown", 1, true],
  ["lobby", "constructor", 1, true],
  ["doc:2", "note", 2, true],
  ["doc:2", "note", "text", false],
  ["doc:public:2", "note", "public", true],
  ["doc:public:2", "note", 2, false],
  ["doc:1", "note", "one", true],
  ["doc:1", "note", 1, false],
])("in %s the data of %s, %j, fits by the schema of its room's kind: %s", (room, event, data, isFit) => {
  expect(fits(room, event, data)).toBe(isFit);
});
