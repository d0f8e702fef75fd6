import { expect, test } from "vitest";
import { limits } from "../../../client/src/protocol/limits.ts";
import { ReaderPace } from "../../../server/src/sockets/reader-pace.ts";

/** A reader that takes in so many bytes a second, behind a way there and back. */
function reader({ bytesPerSecond = Number.POSITIVE_INFINITY, roundTripMs = 0 } = {}) {
  const state = { nowMs: 0, pings: 0, bytesPerSecond };
  const pace = new ReaderPace({
    ping: () => {
      state.pings += 1;
    },
    nowMs: () => state.nowMs,
  });
  const takes = (bytes: number) => {
    pace.note(bytes);
    state.nowMs += roundTripMs + (bytes * 1000) / state.bytesPerSecond;
    return pace.pong();
  };
  return { pace, state, takes };
}

test("a reader that is not known has one page on its way at a time", () => {
  const { pace, takes } = reader();
  expect(pace.allows(0)).toBe(true);
  expect(pace.allows(1)).toBe(false);
  pace.note(limits.pageBytes);
  expect(pace.allows(0)).toBe(false);
  expect(pace.pong()).toBe(true);
  expect(pace.allows(0)).toBe(true);
  expect(takes(limits.pageBytes)).toBe(true);
});

test("a quick reader soon has two reads under way, and 1 MiB that is not read yet", () => {
  const { pace, takes } = reader({ roundTripMs: 50 });
  for (let page = 0; page < 5; page += 1) takes(limits.pageBytes);
  expect(pace.allows(1)).toBe(true);
  expect(pace.allows(2)).toBe(false);
  pace.note(1024 * 1024);
  expect(pace.allows(0)).toBe(true);
  pace.note(1);
  expect(pace.allows(0)).toBe(false);
});

test("a slow reader gets pages that it takes in within a second, one at a time", () => {
  const { pace, takes } = reader({ bytesPerSecond: 200_000, roundTripMs: 100 });
  takes(limits.pageBytes);
  for (let page = 0; page < 10; page += 1) {
    expect(pace.pageBytes).toBe(128 * 1024);
    expect(pace.allows(1)).toBe(false);
    takes(pace.pageBytes);
  }
});

test("a page for the slowest reader is still 32 KiB", () => {
  const { pace, takes } = reader({ bytesPerSecond: 2_000 });
  takes(limits.pageBytes);
  expect(pace.pageBytes).toBe(32 * 1024);
});

test("a slow reader whose line has become fast gets whole pages again", () => {
  const { pace, state, takes } = reader({ bytesPerSecond: 50_000, roundTripMs: 300 });
  takes(limits.pageBytes);
  state.bytesPerSecond = 5_000_000;
  for (let page = 0; page < 20; page += 1) takes(pace.pageBytes);
  expect(pace.pageBytes).toBe(limits.pageBytes);
});

test("little that a slow reader has read at once does not make it a quick one", () => {
  const { pace, state, takes } = reader({ bytesPerSecond: 200_000 });
  takes(limits.pageBytes);
  state.bytesPerSecond = Number.POSITIVE_INFINITY;
  for (let answer = 0; answer < 20; answer += 1) expect(takes(20 * 1024)).toBe(true);
  expect(pace.pageBytes).toBe(128 * 1024);
});

test("small answers cost no ping, and a pong that was not asked for is none", () => {
  const { pace, state } = reader();
  for (let join = 0; join < 16; join += 1) pace.note(1_000);
  expect(state.pings).toBe(0);
  expect(pace.pong()).toBe(false);
});
