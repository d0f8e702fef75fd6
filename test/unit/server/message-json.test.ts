import fc from "fast-check";
import { expect, test } from "vitest";
import { draftOf, messageOf } from "../../../server/src/log/message-json.ts";

test("what is written of a message is what is read of it, whatever its texts hold", () => {
  const text = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom('","data":1', '"}', "\\", "\u2028"));
  const sender = fc.record({ user: fc.option(text), session: fc.option(text) });
  fc.assert(
    fc.property(text, text, fc.jsonValue(), sender, fc.nat(), (id, event, value, from, sentAtMs) => {
      const dataJson = JSON.stringify(value);
      const { body, bytes } = draftOf({ id, event, dataJson, from, sentAtMs });
      expect(bytes).toBe(Buffer.byteLength(body));
      const data: unknown = JSON.parse(dataJson);
      expect(messageOf("7-1", body)).toEqual({ position: "7-1", id, event, data, from, sentAtMs });
    }),
  );
});
