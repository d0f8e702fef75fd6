import { expect, test } from "vitest";
import { incomingBytes } from "../../../server/src/sockets/incoming-bytes.ts";

test("a request counts by its texts, its keys, its binary data and the number of its values", () => {
  expect(incomingBytes([])).toBe(0);
  expect(incomingBytes(["x".repeat(1_000)])).toBe(1_008);
  expect(incomingBytes([{ room: "lobby", data: { text: "x".repeat(60_000) } }])).toBeGreaterThan(60_000);
  expect(incomingBytes([Buffer.alloc(500)])).toBe(508);
  expect(incomingBytes([Array(1_000).fill(0)])).toBe(8_008);
  expect(incomingBytes([[undefined, null, "ab"]])).toBe(34);
});

test("data that nests as deeply as a packet is long is counted, too", () => {
  const depth = 500_000;
  expect(incomingBytes([JSON.parse("[".repeat(depth) + "]".repeat(depth))])).toBe(depth * 8);
});
