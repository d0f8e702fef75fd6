import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Availability } from "../../../server/src/availability.ts";
import { createPreStop } from "../../../server/src/platforms/pre-stop.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

/** An instance whose clients have moved when the test says so. */
function instance({ clients = 3 } = {}) {
  const availability = new Availability(() => true, 4_000);
  const now = { clients };
  const moves: (() => void)[] = [];
  const moveClients = () => new Promise<void>((resolve) => moves.push(resolve));
  const { run: preStop, arrived } = createPreStop({ availability, hasClients: () => now.clients > 0, moveClients });
  return { availability, moves, preStop, arrived, now };
}

test("an instance is out of service until its clients have moved, and serves again if it is still there", async () => {
  const { availability, moves, preStop } = instance();
  const answered = preStop();
  expect(availability.isDraining).toBe(true);
  moves[0]?.();
  await answered;
  expect(availability.isDraining).toBe(false);
});

test("hooks at the same time move the clients once", async () => {
  const { moves, preStop } = instance();
  const answered = Promise.all([preStop(), preStop()]);
  expect(moves).toHaveLength(1);
  moves[0]?.();
  await answered;
});

test("a second hook within ten minutes moves the clients again, and takes nothing out of service", async () => {
  const { availability, moves, preStop } = instance();
  const first = preStop();
  moves[0]?.();
  await first;
  const second = preStop();
  expect(moves).toHaveLength(2);
  expect(availability.isDraining).toBe(false);
  moves[1]?.();
  await second;
  vi.advanceTimersByTime(10 * 60_000);
  void preStop();
  expect(availability.isDraining).toBe(true);
});

test("an instance without clients is never out of service", async () => {
  const { availability, preStop } = instance({ clients: 0 });
  const answered = preStop();
  expect(availability.isDraining).toBe(false);
  await answered;
});

test("somebody who arrives after the last client has moved ends a drain that proved false, and nobody before", () => {
  const { availability, preStop, arrived, now } = instance();
  void preStop();
  arrived();
  expect(availability.isDraining).toBe(true);
  now.clients = 0;
  arrived();
  expect(availability.isDraining).toBe(false);
});

test("a hook without clients starts no guard: the next one with clients is believed", async () => {
  const { availability, preStop, now } = instance({ clients: 0 });
  await preStop();
  now.clients = 1;
  void preStop();
  expect(availability.isDraining).toBe(true);
});

test("an instance that is going away for good is not put back into service by the end of a hook", async () => {
  const { availability, moves, preStop } = instance();
  const answered = preStop();
  availability.goAway();
  moves[0]?.();
  await answered;
  expect(availability.isDraining).toBe(true);
});
