import { expect, test } from "vitest";
import * as z from "zod";
import { limits } from "../../../client/src/protocol/limits.ts";
import { checkedData } from "../../../server/src/application/checked-data.ts";
import { RequestError } from "../../../server/src/errors.ts";

const schemas = {
  note: z.strictObject({ text: z.string() }),
  anything: z.unknown(),
  upper: z.string().transform((text) => text.toUpperCase()),
};

function refusal(event: string, data: unknown): string {
  try {
    checkedData("message", schemas, event, data);
  } catch (error) {
    if (error instanceof RequestError) return `${error.code}: ${error.message}`;
    throw error;
  }
  throw new Error("expected a refusal, got none");
}

function nested(levels: number): unknown {
  let value: unknown = "bottom";
  for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? [value] : { value };
  return value;
}

test("data becomes the JSON that its schema gives", () => {
  expect(checkedData("message", schemas, "note", { text: 'say "hi"\n\u2028' }).json).toBe(
    JSON.stringify({ text: 'say "hi"\n\u2028' }),
  );
  expect(checkedData("message", schemas, "upper", "loud").json).toBe('"LOUD"');
  expect(checkedData("message", schemas, "anything", undefined).json).toBe("null");
});

test.each(["missing", "toString", "__proto__", "constructor", ""])("the event %j is unknown", (event) => {
  expect(refusal(event, {})).toMatch(/^UNKNOWN_EVENT: expected one of the messages note, anything, upper, got/);
});

test("where a contract has no events of a kind, the refusal says so", () => {
  expect(() => checkedData("signal", {}, "typing", {})).toThrow(
    'expected no signal, because the contract has none for this room, got "typing"',
  );
});

test("a refusal names the field", () => {
  expect(refusal("note", { text: 5 })).toMatch(/^INVALID_PAYLOAD: data\.text: .*expected string/);
  expect(refusal("note", { text: "a", colour: "red" })).toMatch(/^INVALID_PAYLOAD: .*colour/);
  expect(refusal("note", null)).toMatch(/^INVALID_PAYLOAD: data: /);
});

test("binary data is refused wherever it hides", () => {
  for (const binary of [Buffer.from("x"), new Uint8Array(1), new ArrayBuffer(1), new DataView(new ArrayBuffer(1))]) {
    expect(refusal("anything", { list: [1, { binary }] })).toMatch(/^INVALID_PAYLOAD: expected JSON, got binary/);
  }
});

test("32 levels of nesting pass, one more does not, and a hundred thousand do not exhaust the stack", () => {
  expect(checkedData("message", schemas, "anything", nested(32)).json).toContain("bottom");
  expect(refusal("anything", nested(33))).toMatch(/^INVALID_PAYLOAD: expected data nested at most 32/);
  expect(refusal("anything", nested(100_000))).toMatch(/^INVALID_PAYLOAD: expected data nested at most 32/);
});

test("the size limit counts bytes of UTF-8, not characters", () => {
  const quotes = 2;
  expect(checkedData("message", schemas, "anything", "x".repeat(limits.dataBytes - quotes)).json).toHaveLength(
    limits.dataBytes,
  );
  expect(refusal("anything", "x".repeat(limits.dataBytes - quotes + 1))).toMatch(/^PAYLOAD_TOO_LARGE: .*got 65537/);
  expect(refusal("anything", "ü".repeat(limits.dataBytes / 2))).toMatch(/^PAYLOAD_TOO_LARGE/);
  expect(checkedData("message", schemas, "anything", "ü".repeat((limits.dataBytes - quotes) / 2)).json).toContain("ü");
});

test("data that is both wrong and far too large is refused for its size", () => {
  expect(refusal("note", { texts: "x".repeat(limits.dataBytes) })).toMatch(/^PAYLOAD_TOO_LARGE/);
});
