import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { anonymous } from "../../../server/src/auth/identity.ts";
import { Standing } from "../../../server/src/auth/standing.ts";
import { watchToken } from "../../../server/src/sockets/aging.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function connection(expiresAtMs = Date.now() + 60_000) {
  const ann = { ...anonymous, user: "ann", expiresAtMs };
  const rights = {
    authorize: undefined,
    roomRights: { read: true, write: true },
    inboxes: true,
    isRevoked: () => false,
  };
  const standing = new Standing(ann, "a-session", rights);
  const told: string[] = [];
  const socket = { emit: (event: string) => told.push(event), disconnect: () => told.push("closed") };
  return { standing, told, aging: watchToken(socket, standing) };
}

test("a connection is told of its token's end, and closed after the grace", () => {
  const { told } = connection();
  vi.advanceTimersByTime(60_000);
  expect(told).toEqual(["connection:expiring"]);
  vi.advanceTimersByTime(10_000);
  expect(told).toEqual(["connection:expiring", "closed"]);
});

test.each([
  ["in two months, longer than a timer of Node.js can be", Date.UTC(2027, 0, 1) + 60 * 86_400_000],
  ["as far away as a number can say", Number.MAX_SAFE_INTEGER],
])("a token that ends %s closes nothing before", (_when, expiresAtMs) => {
  vi.setSystemTime(Date.UTC(2027, 0, 1));
  const timers = vi.spyOn(globalThis, "setTimeout");
  const { told } = connection(expiresAtMs);
  // A timer that is too long fires at once, again and again.
  vi.advanceTimersByTime(1_000);
  expect(timers).toHaveBeenCalledTimes(2);
  vi.advanceTimersByTime(30 * 86_400_000);
  expect(told).toEqual([]);
});

test("a token that comes when its connection is gone starts nothing", () => {
  const { told, aging } = connection();
  aging.stop();
  aging.restart();
  expect(vi.getTimerCount()).toBe(0);
  expect(told).toEqual([]);
});
