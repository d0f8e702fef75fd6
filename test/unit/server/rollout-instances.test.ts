import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { rolloutMs } from "../../../server/src/rollout/generations.ts";
import { Rollout } from "../../../server/src/rollout/rollout.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

/** An instance that started at 1,000, and for which every session is on the move; `asked` counts its questions to Redis. */
async function instance() {
  let asked = 0;
  const rollout = new Rollout({
    build: "1",
    moves: {
      nowMs: async () => 1_000,
      begin: async () => undefined,
      end: async () => undefined,
      of: async () => {
        asked += 1;
        const from = { build: "1", startedAtMs: 500 };
        return { move: { sinceMs: 2_000, from, mayWaitUntilMs: 9_000 }, nowMs: 3_000 };
      },
    },
    tell: async () => undefined,
    logger: { warn: () => undefined },
  });
  await rollout.announce();
  const refused = () =>
    rollout.admit("session").then(
      () => false,
      (error) => error.code === "DRAINING",
    );
  return { rollout, refused, asked: () => asked };
}

const younger = { serving: "younger", build: "2", startedAtMs: 1_500 };

test("an instance asks Redis for a client's move only while it knows of one that started after it", async () => {
  const { rollout, refused, asked } = await instance();
  rollout.hear({ serving: "older", build: "2", startedAtMs: 999 });
  expect(await refused()).toBe(false);
  expect(asked()).toBe(0);
  rollout.hear(younger);
  expect(await refused()).toBe(true);
  expect(asked()).toBe(1);
  rollout.hear({ leaving: "younger" });
  expect(await refused()).toBe(false);
  expect(asked()).toBe(1);
});

test("a quarter of an hour after the last instance has started the rollout is over, and nothing is asked any more", async () => {
  const { rollout, refused, asked } = await instance();
  rollout.hear(younger);
  vi.advanceTimersByTime(rolloutMs);
  expect(await refused()).toBe(true);
  vi.advanceTimersByTime(1);
  expect(await refused()).toBe(false);
  expect(asked()).toBe(1);
});
