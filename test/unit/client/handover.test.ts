import { describe, expect, test } from "vitest";
import type { Connection } from "../../../client/src/connection.ts";
import { createHandover, decide } from "../../../client/src/handover.ts";

describe("the decision of a handover", () => {
  test("a connection that will be cut is replaced once every room is joined through the next one", () => {
    expect(decide("steady", "expiring", "current")).toEqual(["moving", "open"]);
    expect(decide("moving", "ready", "next")).toEqual(["steady", "switch"]);
  });

  test("a second notice for the same connection changes nothing", () => {
    expect(decide("moving", "expiring", "current")).toEqual(["moving"]);
    expect(decide("overtaken", "expiring", "current")).toEqual(["overtaken"]);
  });

  test("a next connection that will be cut as well is replaced after the move", () => {
    expect(decide("moving", "expiring", "next")).toEqual(["overtaken"]);
    expect(decide("overtaken", "ready", "next")).toEqual(["moving", "switch", "open"]);
  });

  test("when the current connection is cut first, the attempt under way takes its place", () => {
    expect(decide("moving", "cut", "current")).toEqual(["steady", "switch"]);
    expect(decide("overtaken", "cut", "current")).toEqual(["moving", "switch", "open"]);
  });

  test("a cut of the next connection ends nothing", () => {
    expect(decide("moving", "cut", "next")).toEqual(["moving"]);
    expect(decide("overtaken", "cut", "next")).toEqual(["overtaken"]);
  });

  test("a cut without a move leaves coming back to the connection itself", () => {
    expect(decide("steady", "cut", "current")).toEqual(["steady"]);
  });

  test("that the current connection has joined every room ends no move", () => {
    expect(decide("moving", "ready", "current")).toEqual(["moving"]);
  });
});

/** A handover between named connections that do nothing. */
function rehearse() {
  const opened: Connection[] = [];
  const closed: Connection[] = [];
  let switches = 0;
  function open(): Connection {
    const unexpected = () => Promise.reject(new Error("expected nothing to be asked"));
    const connection: Connection = {
      rooms: new Map(),
      id: () => `connection ${opened.indexOf(connection)}`,
      request: unexpected,
      read: unexpected,
      ask: unexpected,
      hurry: () => undefined,
      check: unexpected,
      wait: unexpected,
      close: async () => void closed.push(connection),
    };
    opened.push(connection);
    return connection;
  }
  const handover = createHandover(open, () => switches++);
  return {
    handover,
    nth(index: number) {
      const connection = opened[index];
      if (!connection) throw new Error(`expected connection ${index} to have been opened`);
      return connection;
    },
    /** Numbers of the connections: the current and the next one, those opened and those closed so far. */
    state() {
      const next = handover.next();
      return {
        current: opened.indexOf(handover.current()),
        next: next && opened.indexOf(next),
        opened: opened.length,
        closed: closed.map((connection) => opened.indexOf(connection)),
        switches,
      };
    },
  };
}

describe("a handover", () => {
  test("goes on with the next connection and closes the old one", () => {
    const { handover, nth, state } = rehearse();
    handover.on("expiring", nth(0));
    expect(state()).toEqual({ current: 0, next: 1, opened: 2, closed: [], switches: 0 });
    handover.on("ready", nth(1));
    expect(state()).toEqual({ current: 1, next: undefined, opened: 2, closed: [0], switches: 1 });
  });

  test("begins anew at once where the next connection will be cut as well", () => {
    const { handover, nth, state } = rehearse();
    handover.on("expiring", nth(0));
    handover.on("expiring", nth(1));
    handover.on("ready", nth(1));
    expect(state()).toEqual({ current: 1, next: 2, opened: 3, closed: [0], switches: 1 });
    handover.on("ready", nth(2));
    expect(state()).toEqual({ current: 2, next: undefined, opened: 3, closed: [0, 1], switches: 2 });
  });

  test("takes no notice of what happens to a connection that it has left", () => {
    const { handover, nth, state } = rehearse();
    handover.on("expiring", nth(0));
    handover.on("ready", nth(1));
    handover.on("expiring", nth(0));
    handover.on("cut", nth(0));
    expect(state()).toEqual({ current: 1, next: undefined, opened: 2, closed: [0], switches: 1 });
  });
});
