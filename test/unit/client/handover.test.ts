import { expect, test } from "vitest";
import type { Connection } from "../../../client/src/connection.ts";
import { createHandover } from "../../../client/src/handover.ts";

/** A handover between named connections that do nothing; `ready` holds those through which every room is joined. */
function rehearse() {
  const opened: Connection[] = [];
  const closed: Connection[] = [];
  const ready = new Set<Connection>();
  let switches = 0;
  function open(): Connection {
    const connection: Connection = {
      rooms: new Set(),
      id: () => `connection ${opened.indexOf(connection)}`,
      request: () => Promise.reject(new Error("expected no request")),
      ask: () => Promise.reject(new Error("expected no question")),
      signal: () => undefined,
      hurry: () => undefined,
      wait: () => Promise.reject(new Error("expected no wait")),
      close: async () => void closed.push(connection),
    };
    opened.push(connection);
    return connection;
  }
  const handover = createHandover(
    open,
    (connection) => ready.has(connection),
    () => switches++,
  );
  const nth = (index: number) => {
    const connection = opened[index];
    if (!connection) throw new Error(`expected connection ${index} to have been opened`);
    return connection;
  };
  return {
    handover,
    nth,
    arrive(index: number) {
      ready.add(nth(index));
      handover.check();
    },
    /** Numbers of the connections: the current one, those opened and those closed so far. */
    state: () => ({
      current: opened.indexOf(handover.current()),
      opened: opened.length,
      closed: closed.map((connection) => opened.indexOf(connection)),
      switches,
    }),
  };
}

test("a connection that expires is replaced once every room is joined through the next one", () => {
  const { handover, nth, arrive, state } = rehearse();
  handover.expiring(nth(0));
  handover.check();
  expect(handover.isMoving()).toBe(true);
  expect(state()).toEqual({ current: 0, opened: 2, closed: [], switches: 0 });
  arrive(1);
  expect(handover.isMoving()).toBe(false);
  expect(state()).toEqual({ current: 1, opened: 2, closed: [0], switches: 1 });
});

test("a second notice for the old connection changes nothing, neither during the move nor after it", () => {
  const { handover, nth, arrive, state } = rehearse();
  handover.expiring(nth(0));
  handover.expiring(nth(0));
  arrive(1);
  handover.expiring(nth(0));
  expect(handover.isMoving()).toBe(false);
  expect(state()).toEqual({ current: 1, opened: 2, closed: [0], switches: 1 });
});

test("a next connection that expires during the move is replaced after it", () => {
  const { handover, nth, arrive, state } = rehearse();
  handover.expiring(nth(0));
  handover.expiring(nth(1));
  expect(state()).toMatchObject({ current: 0, opened: 2 });
  arrive(1);
  expect(handover.isMoving()).toBe(true);
  expect(state()).toEqual({ current: 1, opened: 3, closed: [0], switches: 1 });
  arrive(2);
  expect(handover.isMoving()).toBe(false);
  expect(state()).toEqual({ current: 2, opened: 3, closed: [0, 1], switches: 2 });
});

test("when the old connection is cut first, the attempt under way takes its place", () => {
  const { handover, nth, state } = rehearse();
  handover.expiring(nth(0));
  handover.cut(nth(0));
  expect(handover.isMoving()).toBe(false);
  expect(state()).toEqual({ current: 1, opened: 2, closed: [0], switches: 1 });
});

test("a cut of the next connection ends nothing", () => {
  const { handover, nth, state } = rehearse();
  handover.expiring(nth(0));
  handover.cut(nth(1));
  expect(handover.isMoving()).toBe(true);
  expect(state()).toMatchObject({ current: 0, opened: 2, closed: [] });
});

test("a cut without a move leaves coming back to the connection itself", () => {
  const { handover, nth, state } = rehearse();
  handover.cut(nth(0));
  expect(state()).toEqual({ current: 0, opened: 1, closed: [], switches: 0 });
});
