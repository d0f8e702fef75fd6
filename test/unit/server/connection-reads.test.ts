import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { limits } from "../../../client/src/protocol/limits.ts";
import { ConnectionReads } from "../../../server/src/sockets/connection-reads.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** One connection whose reads end when the test says so. */
function connection({ waitingBytes = 0, tokensWaitMs = 0, readsAtATime = 2 } = {}) {
  const state = { waitingBytes, tokensWaitMs, readsAtATime, pageBytes: limits.pageBytes };
  const reads = new ConnectionReads({
    waitingBytes: () => state.waitingBytes,
    tokensWaitMs: () => state.tokensWaitMs,
    pace: {
      allows: (underWay) => underWay < state.readsAtATime,
      get pageBytes() {
        return state.pageBytes;
      },
    },
  });
  const underWay: (() => void)[] = [];
  let started = 0;
  const ask = () =>
    reads.run(
      () =>
        new Promise<number>((resolve) => {
          started += 1;
          const number = started;
          underWay.push(() => resolve(number));
        }),
    );
  const finish = async () => {
    underWay.shift()?.();
    await vi.advanceTimersByTimeAsync(1);
  };
  return { reads, state, ask, finish, count: () => underWay.length };
}

test("two reads of a connection run at a time, and the others in their order after them", async () => {
  const { ask, finish, count } = connection();
  const answers = [ask(), ask(), ask(), ask()];
  expect(count()).toBe(2);
  for (const [index, answer] of answers.entries()) {
    await finish();
    expect(await answer).toBe(index + 1);
  }
});

test("the joins of a client that comes back to all its rooms wait, and none is refused", async () => {
  const { ask, finish } = connection();
  const joins = Promise.all(Array.from({ length: 2 * limits.roomsPerConnection }, ask));
  for (let index = 0; index < 2 * limits.roomsPerConnection; index += 1) await finish();
  expect(await joins).toHaveLength(2 * limits.roomsPerConnection);
});

test("what is beyond the queue is refused at once, with a delay", async () => {
  const { ask } = connection();
  for (let index = 0; index < 2 + 256; index += 1) ask().catch(() => undefined);
  await expect(ask()).rejects.toMatchObject({ code: "RATE_LIMITED", retryAfterMs: expect.any(Number) });
});

test("nothing is read for a connection that does not read its answers, until it does", async () => {
  const { ask, state, count } = connection({ waitingBytes: 2 * 1024 * 1024 });
  void ask();
  void ask();
  expect(count()).toBe(0);
  state.waitingBytes = 0;
  await vi.advanceTimersByTimeAsync(20);
  expect(count()).toBe(2);
});

test("a read that waits for too long is refused before its client gives it up", async () => {
  const { ask } = connection({ waitingBytes: 2 * 1024 * 1024 });
  const refused = expect(ask()).rejects.toMatchObject({ code: "RATE_LIMITED", retryAfterMs: expect.any(Number) });
  await vi.advanceTimersByTimeAsync(limits.acknowledgementTimeoutMs - 1_000);
  await refused;
});

test("a read waits for the tokens that pay for it", async () => {
  const { ask, state, count } = connection({ tokensWaitMs: 700 });
  void ask();
  await vi.advanceTimersByTimeAsync(600);
  expect(count()).toBe(0);
  state.tokensWaitMs = 0;
  await vi.advanceTimersByTimeAsync(100);
  expect(count()).toBe(1);
});

test("a read waits for the reader of the answers before, and starts as soon as it has read them", async () => {
  const { reads, ask, state, count } = connection({ readsAtATime: 0 });
  void ask();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(count()).toBe(0);
  state.readsAtATime = 1;
  reads.resume();
  expect(count()).toBe(1);
});

test("a read gets the size of its page when it starts, not when it was asked for", async () => {
  const { reads, state } = connection({ readsAtATime: 0 });
  const size = reads.run(async (pageBytes) => pageBytes);
  Object.assign(state, { readsAtATime: 1, pageBytes: 65_536 });
  reads.resume();
  expect(await size).toBe(65_536);
});

test("a read that fails gives its turn to the next one", async () => {
  const { reads, ask, count } = connection();
  const failures = [1, 2].map(() => reads.run(() => Promise.reject(new Error("away"))));
  const outcomes = Promise.allSettled(failures);
  void ask();
  await vi.advanceTimersByTimeAsync(1);
  expect((await outcomes).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(count()).toBe(1);
});

test("a connection that is closed refuses what waits, and keeps nothing alive", async () => {
  const { reads, ask } = connection({ waitingBytes: Number.MAX_SAFE_INTEGER });
  const waiting = expect(ask()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  reads.close();
  await waiting;
  await expect(ask()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  expect(vi.getTimerCount()).toBe(0);
});
