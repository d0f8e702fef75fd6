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

function connection() {
  const ann = { ...anonymous, user: "ann", expiresAtMs: Date.now() + 60_000 };
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

test("a token that comes when its connection is gone starts nothing", () => {
  const { told, aging } = connection();
  aging.stop();
  aging.restart();
  expect(vi.getTimerCount()).toBe(0);
  expect(told).toEqual([]);
});
