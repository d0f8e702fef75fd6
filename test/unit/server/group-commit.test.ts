import * as fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";

import { limits } from "../../../client/src/protocol/limits.ts";
import { batchLength, type Draft, GroupCommit, type Outcome } from "../../../server/src/log/group-commit.ts";
import { withTimeout } from "../../support/wait.ts";

function draft(id: string, bytes = 10): Draft {
  return { id, after: "", body: "x".repeat(bytes), bytes };
}

/** A log whose appends wait until the test lets them go. */
function heldAppends() {
  const calls: { room: string; ids: string[]; release: () => void; fail: (error: Error) => void }[] = [];
  const append = (room: string, batch: readonly Draft[]) =>
    new Promise<readonly Outcome[]>((resolve, reject) => {
      const ids = batch.map(({ id }) => id);
      calls.push({ room, ids, release: () => resolve(ids.map(stored)), fail: reject });
    });
  return { calls, append };
}

/** A position that tells ids apart, whatever they are. */
const stored = (id: string): Outcome => ({
  position: `1-${Number.parseInt(Buffer.from(id).toString("hex"), 16)}`,
  duplicate: false,
});
afterEach(() => void vi.useRealTimers());

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("what arrives while an append is under way goes out as one batch after it", async () => {
  const { calls, append } = heldAppends();
  const commit = new GroupCommit(append);
  const outcomes = ["a", "b", "c", "d"].map((id) => commit.submit("lobby", draft(id)));
  expect(calls.map(({ ids }) => ids)).toEqual([["a"]]);
  calls[0]?.release();
  await outcomes[0];
  await turn();
  expect(calls.map(({ ids }) => ids)).toEqual([["a"], ["b", "c", "d"]]);
  calls[1]?.release();
  expect(await Promise.all(outcomes)).toEqual(["a", "b", "c", "d"].map(stored));
  expect(commit.waitingBytes).toBe(0);
});

test("rooms do not wait for each other", () => {
  const { calls, append } = heldAppends();
  const commit = new GroupCommit(append);
  for (const room of ["one", "two", "one", "two"]) void commit.submit(room, draft("x"));
  expect(calls.map(({ room }) => room)).toEqual(["one", "two"]);
});

test("a batch is bounded in messages and in bytes, and holds at least one message", () => {
  const waiting = (count: number, bytes: number) =>
    Array.from({ length: count }, (_, index) => ({ draft: draft(String(index), bytes) }));
  expect(batchLength(waiting(1000, 1))).toBe(limits.batchMessages);
  expect(batchLength(waiting(10, limits.batchBytes / 4))).toBe(4);
  expect(batchLength(waiting(3, limits.batchBytes + 1))).toBe(1);
  expect(batchLength([])).toBe(0);
});

test("a failed append fails everything that waits behind it, and the room works again afterwards", async () => {
  const { calls, append } = heldAppends();
  const commit = new GroupCommit(append);
  const outcomes = ["a", "b", "c"].map((id) => commit.submit("lobby", draft(id)));
  const settled = Promise.allSettled(outcomes);
  const failure = new Error("away");
  calls[0]?.fail(failure);
  expect(await settled).toEqual(outcomes.map(() => ({ status: "rejected", reason: failure })));
  expect(commit.waitingBytes).toBe(0);
  await turn();
  const again = commit.submit("lobby", draft("d"));
  expect(calls.at(-1)?.ids).toEqual(["d"]);
  calls.at(-1)?.release();
  expect(await again).toEqual(stored("d"));
});

test("an append whose answer is too short rejects what is missing in it, so that no publish waits for ever", async () => {
  const commit = new GroupCommit(async (_room, batch) => batch.slice(1).map(({ id }) => stored(id)));
  await expect(withTimeout(commit.submit("lobby", draft("a")), "an outcome")).rejects.toThrow("answered 0 of 1");
});

test("a room's queue is bounded in messages, and other rooms go on", async () => {
  const { calls, append } = heldAppends();
  const commit = new GroupCommit(append);
  const waiting: Promise<Outcome>[] = [];
  const refusal = await new Promise<unknown>((resolve) => {
    for (let index = 0; index < 9_000; index += 1) {
      const outcome = commit.submit("lobby", draft(String(index)));
      outcome.catch(resolve);
      waiting.push(outcome);
    }
  });
  expect(refusal).toMatchObject({ code: "RATE_LIMITED", retryAfterMs: expect.any(Number) });
  expect(calls).toHaveLength(1);
  void commit.submit("other", draft("x"));
  expect(calls).toHaveLength(2);
  const settled = Promise.allSettled(waiting);
  calls[0]?.fail(new Error("over"));
  expect((await settled).filter(({ status }) => status === "rejected")).toHaveLength(9_000);
});

test("a room's queue is bounded in bytes, and so are all rooms together", async () => {
  const { append } = heldAppends();
  const commit = new GroupCommit(append);
  const mebibyte = 1024 * 1024;
  const refused: string[] = [];
  for (let room = 0; room < 20; room += 1) {
    // The first draft of a room is under way at once and does not wait; of the others, four fill the room's queue.
    for (let index = 0; index < 6; index += 1) {
      commit.submit(`room ${room}`, draft(String(index), mebibyte)).catch(() => refused.push(`${room}/${index}`));
    }
  }
  await turn();
  expect(refused).toContain("0/5");
  expect(refused).not.toContain("0/4");
  expect(refused).toContain("19/4");
  expect(commit.waitingBytes).toBeLessThanOrEqual(64 * mebibyte);
  expect(commit.waitingBytes).toBeGreaterThan(60 * mebibyte);
});

test("every draft gets its own outcome, in the order of submission, within the limits of a batch", async () => {
  const submissions = fc.array(
    fc.record({
      room: fc.constantFrom("one", "two"),
      bytes: fc.integer({ min: 0, max: limits.batchBytes + 10 }),
      pauses: fc.boolean(),
    }),
    { minLength: 1, maxLength: 60 },
  );
  await fc.assert(
    fc.asyncProperty(submissions, fc.infiniteStream(fc.integer({ min: 0, max: 3 })), async (plan, delays) => {
      const logs = new Map<string, string[]>();
      const commit = new GroupCommit(async (room, batch) => {
        const turns = delays.next().value ?? 0;
        for (let index = 0; index < turns; index += 1) await turn();
        const bytes = batch.reduce((sum, { body }) => sum + body.length, 0);
        expect(batch.length).toBeLessThanOrEqual(limits.batchMessages);
        if (batch.length > 1) expect(bytes).toBeLessThanOrEqual(limits.batchBytes);
        logs.set(room, [...(logs.get(room) ?? []), ...batch.map(({ id }) => id)]);
        return batch.map(({ id }) => stored(id));
      });
      const submitted = new Map<string, string[]>();
      const outcomes: Promise<Outcome | "refused">[] = [];
      for (const [index, { room, bytes, pauses }] of plan.entries()) {
        const id = `${room} ${index}`;
        const outcome = commit.submit(room, draft(id, bytes)).then(
          (answer) => {
            expect(answer).toEqual(stored(id));
            submitted.set(room, [...(submitted.get(room) ?? []), id]);
            return answer;
          },
          (error: { code?: string }) => {
            expect(error.code).toBe("RATE_LIMITED");
            return "refused" as const;
          },
        );
        outcomes.push(outcome);
        if (pauses) await turn();
      }
      await Promise.all(outcomes);
      expect(logs).toEqual(submitted);
      expect(commit.waitingBytes).toBe(0);
    }),
    { numRuns: 50 },
  );
});

test("a room with a pause: the first message goes at once, those that follow go together when the pause is over", async () => {
  vi.useFakeTimers();
  const batches: string[][] = [];
  const commit = new GroupCommit(
    async (_room, batch) => {
      batches.push(batch.map(({ id }) => id));
      return batch.map(({ id }) => stored(id));
    },
    (room) => (room === "big" ? 20 : 0),
  );
  const publish = (...ids: string[]) => void ids.map((id) => commit.submit("big", draft(id)));
  publish("a");
  expect(batches).toEqual([["a"]]);
  await vi.advanceTimersByTimeAsync(5);
  publish("b");
  await vi.advanceTimersByTimeAsync(10);
  publish("c");
  await vi.advanceTimersByTimeAsync(4);
  expect(batches).toEqual([["a"]]);
  await vi.advanceTimersByTimeAsync(1);
  expect(batches).toEqual([["a"], ["b", "c"]]);
  await vi.advanceTimersByTimeAsync(20);
  publish("d");
  expect(batches).toEqual([["a"], ["b", "c"], ["d"]]);
  void commit.submit("small", draft("e"));
  await vi.advanceTimersByTimeAsync(0);
  void commit.submit("small", draft("f"));
  expect(batches.slice(3)).toEqual([["e"], ["f"]]);
});

test("a room with a pause does not keep more waiting than fits into a batch", async () => {
  vi.useFakeTimers();
  const sizes: number[] = [];
  const commit = new GroupCommit(
    async (_room, batch) => {
      sizes.push(batch.length);
      return batch.map(({ id }) => stored(id));
    },
    () => 1_000,
  );
  for (let index = 0; index <= limits.batchMessages * 2; index += 1) void commit.submit("big", draft(String(index)));
  await vi.advanceTimersByTimeAsync(0);
  expect(sizes).toEqual([1, limits.batchMessages]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(sizes).toEqual([1, limits.batchMessages, limits.batchMessages]);
  expect(commit.waitingBytes).toBe(0);
});
