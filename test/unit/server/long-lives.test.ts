import { EventEmitter } from "node:events";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { anonymous } from "../../../server/src/auth/identity.ts";
import { Standing } from "../../../server/src/auth/standing.ts";
import { momentNow } from "../../../server/src/clock/elapsed.ts";
import { deadlineMs, surroundingsOf } from "../../../server/src/platforms/surroundings.ts";
import { watchToken } from "../../../server/src/sockets/aging.ts";
import { Drain } from "../../../server/src/sockets/drain.ts";
import { scheduleNotice } from "../../../server/src/sockets/expiry-notice.ts";
import type { RoomServer } from "../../../server/src/sockets/room-server.ts";

// Days and weeks by a clock that the test moves. Node.js fires a timer of more than 2 ** 31 ms, 24.8 days, at once.

const hour = 3_600_000;
const day = 24 * hour;

beforeEach(() => void vi.useFakeTimers({ now: 1_700_000_000_000 }));
afterEach(() => void vi.useRealTimers());

interface Told {
  readonly atMs: number;
  readonly deadlineMs: number;
}

/** A connection that is opened now, with what it is told and when. */
function open(lifetimeMs: number) {
  const told: Told[] = [];
  const opened = momentNow();
  const socket = {
    emit: (_event: string, notice: { readonly deadlineMs: number }) =>
      told.push({ atMs: Date.now(), deadlineMs: notice.deadlineMs }),
  };
  const cancel = scheduleNotice(socket, opened, opened.wallMs + lifetimeMs);
  return { told, cancel, deadlineMs: opened.wallMs + lifetimeMs };
}

test.each([
  ["24 h", day],
  ["72 h", 3 * day],
  ["30 days, longer than any timer", 30 * day],
])(
  "a connection that lives for %s is told once, within eleven minutes of its end and half a minute before it",
  (_what, lifetimeMs) => {
    const { told, deadlineMs: deadline } = open(lifetimeMs);
    vi.advanceTimersByTime(lifetimeMs - 11 * 60_000);
    expect(told).toEqual([]);
    vi.advanceTimersByTime(11 * 60_000 + day);
    expect(told).toHaveLength(1);
    expect(deadline - (told[0]?.atMs ?? 0)).toBeGreaterThanOrEqual(30_000 - 1);
    expect(told[0]?.deadlineMs).toBe(deadline);
  },
);

test("1,000 connections with 1,000 deadlines are told each in time, once, and apart from each other", () => {
  const surroundings = surroundingsOf({ RUNTIME_FUNC_NAME: "rooms" }, undefined);
  const connections = Array.from({ length: 1_000 }, (_, index) => {
    // From 20 s to 72 h, and each is opened at another moment.
    const seconds = 20 + Math.round((index / 999) ** 2 * (3 * 86_400 - 20));
    vi.advanceTimersByTime(17);
    const deadline = deadlineMs(surroundings, { "x-cff-timeout": String(seconds) }, Date.now());
    expect(deadline).toBe(Date.now() + seconds * 1000);
    return { seconds, ...open(seconds * 1000) };
  });
  vi.advanceTimersByTime(4 * day);
  for (const { told, seconds, deadlineMs: deadline } of connections) {
    expect(told, `${seconds} s`).toHaveLength(1);
    const leftMs = deadline - (told[0]?.atMs ?? 0);
    expect(leftMs, `${seconds} s`).toBeGreaterThanOrEqual(Math.min(seconds * 250, 30_000) - 1);
    expect(leftMs, `${seconds} s`).toBeLessThanOrEqual(Math.min(seconds * 500, 630_000) + 1);
  }
  const moments = connections.map(({ told }) => Math.round((told[0]?.atMs ?? 0) / 1000));
  expect(Math.max(...countsOf(moments))).toBeLessThan(30);
  expect(vi.getTimerCount()).toBe(0);
});

test("1,000 connections that were opened together at a lifetime of 24 h do not move together", () => {
  const connections = Array.from({ length: 1_000 }, () => open(day));
  vi.advanceTimersByTime(day);
  const seconds = connections.map(({ told }) => Math.round((told[0]?.atMs ?? 0) / 1000));
  expect(Math.max(...seconds) - Math.min(...seconds)).toBeGreaterThan(500);
  expect(Math.max(...countsOf(seconds))).toBeLessThan(15);
});

test("a machine that slept through three days tells at once, and a connection that is gone is told nothing", () => {
  const { told } = open(3 * day);
  const gone = open(3 * day);
  gone.cancel();
  vi.setSystemTime(Date.now() + 3 * day);
  vi.advanceTimersByTime(3 * day);
  expect(told).toHaveLength(1);
  expect(gone.told).toEqual([]);
});

test("a token of 60 days is told of and ends with its grace, and not when a timer overflows", () => {
  const ann = { ...anonymous, user: "ann", expiresAtMs: Date.now() + 60 * day };
  const rights = {
    authorize: undefined,
    roomRights: { read: true, write: true },
    inboxes: true,
    isRevoked: () => false,
  };
  const told: string[] = [];
  const socket = { emit: (event: string) => told.push(event), disconnect: () => told.push("closed") };
  watchToken(socket, new Standing(ann, "a-session", rights));
  vi.advanceTimersByTime(60 * day - 11 * 60_000);
  expect(told).toEqual([]);
  vi.advanceTimersByTime(11 * 60_000);
  expect(told).toEqual(["connection:expiring"]);
  vi.advanceTimersByTime(10_000);
  expect(told).toEqual(["connection:expiring", "closed"]);
});

/** How long a client takes from its notice until its old connection is closed. */
const moveMs = 400;

/** A server with 1,000 clients that move when they are told. */
function fullServer() {
  const sockets = new Map<number, EventEmitter>();
  const toldAtMs: number[] = [];
  for (let id = 0; id < 1_000; id += 1) {
    const socket = Object.assign(new EventEmitter(), { data: { standing: { session: `session-${id}` } } });
    socket.on("connection:expiring", () => {
      toldAtMs.push(performance.now());
      setTimeout(() => {
        sockets.delete(id);
        socket.emit("disconnect");
      }, moveMs);
    });
    sockets.set(id, socket);
  }
  const engine = {
    get clientsCount() {
      return sockets.size;
    },
  };
  return { io: { engine, of: () => ({ sockets }) } as unknown as RoomServer, sockets, toldAtMs };
}

test.each([
  [0, 0],
  [4, 4_000 * 0.6 + moveMs + 100],
  [10, 10_000 * 0.6 + moveMs + 100],
])(
  "with DRAIN_SECONDS %i a full instance has told everybody, spread over it, and is done after %i ms at most",
  async (seconds, latestMs) => {
    const { io, sockets, toldAtMs } = fullServer();
    const startedMs = performance.now();
    const drained = new Drain(io, seconds * 1000, { begin: async () => undefined, end: async () => undefined })
      .run()
      .then(() => performance.now() - startedMs);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await drained).toBeLessThanOrEqual(latestMs);
    expect(toldAtMs).toHaveLength(1_000);
    expect(sockets.size).toBe(0);
    const spreadMs = Math.max(...toldAtMs) - Math.min(...toldAtMs);
    expect(spreadMs).toBeLessThanOrEqual(seconds * 600);
    expect(spreadMs).toBeGreaterThanOrEqual(seconds * 500);
  },
);

function countsOf(values: readonly number[]): number[] {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts.values()];
}
