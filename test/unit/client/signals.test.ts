import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Connection, Reply } from "../../../client/src/connection.ts";
import { createEmitter } from "../../../client/src/emitter.ts";
import { createSignals } from "../../../client/src/signals.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Signals of a client, with what was sent and when. Of a room named `away` there is no connection. */
function stage(answer: Reply<object> = { ok: true, data: {} }) {
  const startMs = Date.now();
  const sent: { room: string; event: string; data: unknown; atMs: number }[] = [];
  const state = { isConnected: true };
  const connection = {
    request: async (_: string, payload: { room: string; event: string; data: unknown }) => {
      sent.push({ ...payload, atMs: Date.now() - startMs });
      return answer;
    },
  } as unknown as Connection;
  const events = createEmitter();
  const errors: unknown[] = [];
  events.on("error", (error: { code: string }) => void errors.push(error.code));
  const signal = createSignals(() => (state.isConnected ? connection : undefined));
  const move = (x: number, latest = true, room = "lobby", event = "cursor") =>
    signal(events, { room, event, data: x }, { latest });
  return { sent, state, events, errors, signal, move, what: () => sent.map(({ data, atMs }) => [data, atMs]) };
}

test("the first of the latest is sent at once, then the newest of each 50 ms, and the last one always", async () => {
  const { move, what } = stage();
  move(0);
  expect(what()).toEqual([[0, 0]]);
  for (let x = 1; x <= 12; x += 1) {
    await vi.advanceTimersByTimeAsync(10);
    move(x);
  }
  await vi.advanceTimersByTimeAsync(1_000);
  expect(what()).toEqual([
    [0, 0],
    [4, 50],
    [9, 100],
    [12, 150],
  ]);
  // What comes after a rest is sent at once again.
  move(13);
  expect(what().at(-1)).toEqual([13, 1_120]);
});

test("a cursor that moves 120 times a second is sent at most 20 times a second", async () => {
  const { move, sent } = stage();
  for (let x = 0; x < 1_200; x += 1) {
    move(x);
    await vi.advanceTimersByTimeAsync(1_000 / 120);
  }
  await vi.advanceTimersByTimeAsync(50);
  expect(sent.length).toBeLessThanOrEqual(201);
  expect(sent.length).toBeGreaterThan(150);
  expect(sent.at(-1)?.data).toBe(1_199);
});

test("each event of each room has a latest of its own, and without the option every signal is sent", async () => {
  const { move, sent } = stage();
  for (const room of ["lobby", "hall"]) for (const event of ["cursor", "slider"]) move(1, true, room, event);
  move(2, false);
  move(3, false);
  expect(sent.map(({ room, event, data }) => [room, event, data])).toEqual([
    ["lobby", "cursor", 1],
    ["lobby", "slider", 1],
    ["hall", "cursor", 1],
    ["hall", "slider", 1],
    ["lobby", "cursor", 2],
    ["lobby", "cursor", 3],
  ]);
});

test("a latest that is held back while the connection is cut is lost, and not sent when there is another one", async () => {
  const { move, state, what } = stage();
  move(0);
  move(1);
  state.isConnected = false;
  await vi.advanceTimersByTimeAsync(60);
  move(2);
  await vi.advanceTimersByTimeAsync(50);
  state.isConnected = true;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(what()).toEqual([[0, 0]]);
});

test("a latest that a sleeping machine held back for more than a second is not sent", async () => {
  const { move, sent } = stage();
  move(0);
  move(1);
  vi.setSystemTime(Date.now() + 1_001);
  await vi.advanceTimersByTimeAsync(100);
  move(2);
  expect(sent.map(({ data }) => data)).toEqual([0, 2]);
});

test("a handle that is over sends nothing more, not even what it held back", async () => {
  const { signal, events, sent } = stage();
  let isOver = false;
  const over = () => (isOver ? ({ code: "CLOSED", message: "", retryable: false } as const) : undefined);
  const move = (data: number) => signal(events, { room: "lobby", event: "cursor", data }, { latest: true }, over);
  move(0);
  move(1);
  isOver = true;
  await vi.advanceTimersByTimeAsync(50);
  expect(sent.map(({ data }) => data)).toEqual([0]);
});

test.each([
  [false, ["FORBIDDEN"]],
  [true, []],
])("where it may be sent again is %s, a refused signal is reported as %j", async (retryable, reported) => {
  const { move, errors } = stage({ ok: false, error: { code: "FORBIDDEN", message: "", retryable } });
  move(0);
  await vi.advanceTimersByTimeAsync(0);
  expect(errors).toEqual(reported);
});
