import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createShutdown } from "../../../server/src/shutdown.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const done = (): Promise<void> => Promise.resolve();

function shutdownWith({ onePressMs = 0, close = done } = {}) {
  const told: string[] = [];
  const handle = createShutdown({
    close: () => {
      told.push("close");
      return close();
    },
    plannedMs: 10_000,
    onFailure: (reason) => told.push(String(reason)),
    onImpatience: () => told.push("at once"),
    onePressMs,
  });
  return { told, handle };
}

test.each<[string, NodeJS.Signals[], string[]]>([
  ["SIGTERM", ["SIGTERM"], ["close"]],
  ["SIGINT", ["SIGINT"], ["close"]],
  ["a repeated SIGTERM", ["SIGTERM", "SIGTERM", "SIGTERM"], ["close"]],
  ["SIGTERM behind SIGINT", ["SIGINT", "SIGTERM"], ["close"]],
  ["SIGINT behind SIGTERM", ["SIGTERM", "SIGINT"], ["close"]],
  ["a second SIGINT", ["SIGINT", "SIGINT"], ["close", "at once"]],
  ["a second SIGINT behind SIGTERM", ["SIGTERM", "SIGINT", "SIGINT"], ["close", "at once"]],
])("%s: what follows", (_what, signals, expected) => {
  const { told, handle } = shutdownWith();
  for (const signal of signals) handle(signal);
  expect(told).toEqual(expected);
});

test("SIGINTs of one press of Ctrl-C are one, and the next press is the second", () => {
  const { told, handle } = shutdownWith({ onePressMs: 300 });
  handle("SIGINT");
  vi.advanceTimersByTime(299);
  handle("SIGINT");
  expect(told).toEqual(["close"]);
  vi.advanceTimersByTime(1);
  handle("SIGINT");
  expect(told).toEqual(["close", "at once"]);
});

test("a close that hangs fails, some time after it was to be over", () => {
  const { told, handle } = shutdownWith({ close: () => new Promise(() => undefined) });
  handle("SIGTERM");
  vi.advanceTimersByTime(14_999);
  expect(told).toEqual(["close"]);
  vi.advanceTimersByTime(1);
  expect(told).toEqual(["close", "Error: the shutdown took too long"]);
});

test("a close that fails is reported", async () => {
  const { told, handle } = shutdownWith({ close: () => Promise.reject(new Error("no")) });
  handle("SIGTERM");
  await vi.waitFor(() => expect(told).toEqual(["close", "Error: no"]));
});
