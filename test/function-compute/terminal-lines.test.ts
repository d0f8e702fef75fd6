import { expect, test } from "vitest";
import { ConnectionLines, instanceLine } from "./terminal-lines.ts";

const opened = (connectionId: string, instanceId: string) => ({
  connectionId,
  instanceId,
  url: "/",
  deadlineMs: 20_000,
});
const closed = (connectionId: string, instanceId: string) => ({
  connectionId,
  instanceId,
  by: "client" as const,
  clean: true,
  leftMs: 6_150,
});

test("a client that closes a connection shortly after it opened another one has moved", () => {
  const lines = new ConnectionLines();
  lines.opened(opened("a1", "c-1"), 0);
  lines.opened(opened("b1", "c-1"), 500);
  lines.opened(opened("a2", "c-2"), 13_000);
  expect(lines.closed(closed("a1", "c-1"), 13_020)).toBe("move: c-1 -> c-2, 6.2 s before its time was over");
  // There is no other one left to which it could have moved.
  expect(lines.closed(closed("b1", "c-1"), 13_030)).toBe("left: a client of c-1, 6.2 s before its time was over");
});

test("a client that goes away without a word has left, and a cut says why", () => {
  const lines = new ConnectionLines();
  lines.opened(opened("a1", "c-1"), 0);
  expect(lines.closed({ ...closed("a1", "c-1"), clean: false, leftMs: Number.POSITIVE_INFINITY }, 10)).toBe(
    "left: a client of c-1, without a close frame",
  );
  expect(lines.cut({ connectionId: "b", instanceId: "c-2", reason: "timeout" })).toBe(
    "cut: a connection to c-2, because its time was over",
  );
});

test("of what an instance logs, warnings are told, with what belongs to them", () => {
  const line = (level: number, msg: string) =>
    JSON.stringify({ level, time: "now", instance: "c-1", origin: "https://app.example", msg });
  expect(instanceLine("c-1", line(40, "handshake refused"))).toBe(
    "c-1 warns: handshake refused (origin https://app.example)",
  );
  expect(instanceLine("c-1", line(30, "listening"))).toBeUndefined();
  expect(instanceLine("c-1", line(40, "this process slept; connections from before are cut"))).toBeUndefined();
  expect(instanceLine("c-1", "AUTH: expected anonymous or token")).toBe("c-1 AUTH: expected anonymous or token");
  expect(instanceLine("c-1", "")).toBeUndefined();
});
