import { expect, test } from "vitest";
import { WaitingRequests } from "../../../server/src/requests/waiting-requests.ts";
import { deferred } from "../../support/application-rig.ts";

const owner = (connection: string, user: string | null = null) => ({ connection, from: { user, session: null } });
const rateLimited = { code: "RATE_LIMITED", retryAfterMs: expect.any(Number) };

test("2,048 requests of one connection may wait, whatever others do, and their end makes room", async () => {
  const waiting = new WaitingRequests();
  const gate = deferred();
  const held = Array.from({ length: 2_048 }, () => waiting.run(owner("a"), 0, () => gate.promise));
  await expect(waiting.run(owner("a"), 0, async () => "ran")).rejects.toMatchObject(rateLimited);
  expect(await waiting.run(owner("b"), 0, async () => "ran")).toBe("ran");
  gate.resolve();
  await Promise.all(held);
  expect(await waiting.run(owner("a"), 0, async () => "ran")).toBe("ran");
});

test("4 MiB of one connection may wait, and a failure makes room, too", async () => {
  const waiting = new WaitingRequests();
  const gate = deferred();
  const failing = async () => {
    await gate.promise;
    throw new Error("the hook failed");
  };
  const held = waiting.run(owner("a"), 4 * 1024 * 1024, failing);
  await expect(waiting.run(owner("a"), 1, async () => "ran")).rejects.toMatchObject(rateLimited);
  gate.resolve();
  await expect(held).rejects.toThrow("the hook failed");
  expect(await waiting.run(owner("a"), 1, async () => "ran")).toBe("ran");
});

test("64 MiB of all connections may wait, and what comes over HTTP is counted by its user", async () => {
  const waiting = new WaitingRequests();
  const gate = deferred();
  const size = 4 * 1024 * 1024;
  const held = Array.from({ length: 16 }, (_, index) =>
    waiting.run(owner("", `user-${index}`), size, () => gate.promise),
  );
  await expect(waiting.run(owner("", "user-1"), 1, async () => "ran")).rejects.toThrow("of this connection");
  await expect(waiting.run(owner("", "another"), 1, async () => "ran")).rejects.toThrow("on this instance");
  gate.resolve();
  await Promise.all(held);
  expect(await waiting.run(owner("", "another"), 1, async () => "ran")).toBe("ran");
});
