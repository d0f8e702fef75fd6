import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PacedWork } from "../../../server/src/sockets/paced-work.ts";

interface Item {
  readonly name: string;
}

/** Work whose steps end when the test says so. */
function work(atATime: number) {
  const begun: string[] = [];
  const underWay = new Map<string, { resolve: (outcome: "done" | "more") => void; reject: (error: Error) => void }>();
  const failing: unknown[] = [];
  const paced = new PacedWork<Item>({
    atATime,
    step: ({ name }) =>
      new Promise((resolve, reject) => {
        begun.push(name);
        underWay.set(name, { resolve, reject });
      }),
    onFailing: (error) => failing.push(error),
  });
  const settle = async (name: string, outcome: "done" | "more" | Error) => {
    const step = underWay.get(name);
    if (step === undefined) throw new Error(`expected a step of ${name}`);
    if (outcome instanceof Error) step.reject(outcome);
    else step.resolve(outcome);
    await vi.advanceTimersByTimeAsync(0);
  };
  return { paced, begun, failing, settle };
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test("few steps are under way at a time, and an item with further ones comes behind the others", async () => {
  const { paced, begun, settle } = work(2);
  for (const name of ["a", "b", "c"]) paced.add({ name });
  expect(begun).toEqual(["a", "b"]);
  await settle("a", "more");
  expect(begun).toEqual(["a", "b", "c"]);
  await settle("b", "done");
  expect(begun).toEqual(["a", "b", "c", "a"]);
});

test("what fails is tried again, later and later, for at most 30 s, and is told once", async () => {
  const { paced, begun, failing, settle } = work(1);
  paced.add({ name: "a" });
  const delaysMs: number[] = [];
  for (let failure = 1; failure <= 8; failure += 1) {
    await settle("a", new Error("away"));
    const failedAtMs = Date.now();
    while (begun.length === failure) await vi.advanceTimersToNextTimerAsync();
    delaysMs.push(Date.now() - failedAtMs);
  }
  for (const [index, delayMs] of delaysMs.entries()) {
    const longestMs = Math.min(30_000, 1_000 * 2 ** index);
    expect(delayMs).toBeLessThanOrEqual(longestMs);
    expect(delayMs).toBeGreaterThanOrEqual(longestMs / 2 - 1);
  }
  expect(failing).toHaveLength(1);
  await settle("a", "done");
  expect(vi.getTimerCount()).toBe(0);
});

test("an item that waits for another try is tried at once when it is added again", async () => {
  const { paced, begun, settle } = work(1);
  const item = { name: "a" };
  paced.add(item);
  await settle("a", new Error("away"));
  paced.add(item);
  expect(begun).toEqual(["a", "a"]);
  await settle("a", "done");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(begun).toEqual(["a", "a"]);
});

test("an item that is added while its step is under way gets one more step after it", async () => {
  const { paced, begun, settle } = work(2);
  const item = { name: "a" };
  paced.add(item);
  paced.add(item);
  expect(begun).toEqual(["a"]);
  await settle("a", "done");
  expect(begun).toEqual(["a", "a"]);
});

test("after it was stopped nothing begins any more", async () => {
  const { paced, begun, settle } = work(1);
  paced.add({ name: "a" });
  paced.add({ name: "b" });
  paced.stop();
  await settle("a", new Error("away"));
  paced.add({ name: "c" });
  expect(begun).toEqual(["a"]);
  expect(vi.getTimerCount()).toBe(0);
});
