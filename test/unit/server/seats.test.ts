import { expect, test } from "vitest";
import { Seats } from "../../../server/src/sockets/seats.ts";

const ann = { user: "ann", session: "first" };

test("seats are given up to the limit, and again when one is given back", () => {
  const seats = new Seats({ maxConnections: 2, maxConnectionsPerUser: 100 });
  const first = seats.take();
  seats.take();
  expect(() => seats.take()).toThrow(
    expect.objectContaining({ code: "SERVER_FULL", retryAfterMs: expect.any(Number) }),
  );
  first.leave();
  seats.take();
  expect(seats.taken).toBe(2);
});

test("a seat that is given back twice is one seat", () => {
  const seats = new Seats({ maxConnections: undefined, maxConnectionsPerUser: 1 });
  const seat = seats.take();
  seats.take();
  seat.assign(ann);
  seat.leave();
  seat.leave();
  expect(seats.taken).toBe(1);
  seats.take().assign(ann);
  expect(() => seats.take().assign(ann)).toThrow(expect.objectContaining({ code: "RATE_LIMITED" }));
});

test("a seat whose connection has gone before its user was known counts for nobody", () => {
  const seats = new Seats({ maxConnections: undefined, maxConnectionsPerUser: 1 });
  const gone = seats.take();
  gone.leave();
  gone.assign(ann);
  seats.take().assign(ann);
});

test("a user is counted over all sessions; without a user each session counts", () => {
  const seats = new Seats({ maxConnections: undefined, maxConnectionsPerUser: 1 });
  seats.take().assign(ann);
  expect(() => seats.take().assign({ user: "ann", session: "second" })).toThrow("1 connections");
  seats.take().assign({ user: null, session: "ann" });
  seats.take().assign({ user: null, session: "second" });
});

test.each([
  [undefined, 1_000_000, true],
  [10, 19, true],
  [10, 20, false],
])("with at most %s connections and %s WebSockets open, another one may be opened: %s", (maxConnections, open, may) => {
  expect(new Seats({ maxConnections, maxConnectionsPerUser: 100 }).mayOpen(open)).toBe(may);
});
