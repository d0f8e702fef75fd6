import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createLane } from "../../../client/src/lane.ts";

interface Entry {
  readonly payload: { readonly id: string };
}

const entry = (id: string): Entry => ({ payload: { id } });

function laneOf(...ids: string[]) {
  const lane = createLane<Entry>();
  const entries = ids.map(entry);
  lane.entries.push(...entries);
  return { lane, entries };
}

/** Takes everything that may be sent now, as `id` or `id<after`. */
function takeAll(lane: ReturnType<typeof createLane<Entry>>) {
  const sent: string[] = [];
  for (let next = lane.next(); next; next = lane.next()) {
    sent.push(next.after ? `${next.entry.payload.id}<${next.after}` : next.entry.payload.id);
  }
  return sent;
}

describe("a lane of publishes", () => {
  test("sends several at a time, each naming the unsettled one before it", () => {
    const { lane } = laneOf("a", "b", "c");
    expect(takeAll(lane)).toEqual(["a", "b<a", "c<b"]);
    expect(lane.isIdle()).toBe(false);
  });

  test("names none before the first that is not settled", () => {
    const { lane, entries } = laneOf("a", "b");
    const [a] = entries;
    lane.next();
    expect(a && lane.remove(a)).toBe(true);
    lane.answered(false);
    expect(takeAll(lane)).toEqual(["b"]);
  });

  test("has at most 64 in flight", () => {
    const { lane } = laneOf(...Array.from({ length: 100 }, (_, index) => `m${index}`));
    expect(takeAll(lane)).toHaveLength(64);
    lane.answered(false);
    expect(takeAll(lane)).toHaveLength(1);
  });

  test("sends nothing after a failure until all in flight is answered, then starts from the first unsettled one", () => {
    const { lane, entries } = laneOf("a", "b", "c", "d");
    const [a, , c] = entries;
    if (!a || !c) throw new Error("expected entries");
    for (let sent = 0; sent < 3; sent++) lane.next();
    lane.remove(a);
    expect(lane.answered(false)).toBe(false);
    expect(lane.answered(true)).toBe(false);
    lane.goBack();
    expect(takeAll(lane)).toEqual([]);
    lane.remove(c);
    expect(lane.answered(false)).toBe(true);
    lane.goBack();
    expect(takeAll(lane)).toEqual(["b", "d<b"]);
  });

  test("forgets what was given up while it was in flight", () => {
    const { lane, entries } = laneOf("a", "b");
    const [a] = entries;
    if (!a) throw new Error("expected an entry");
    takeAll(lane);
    expect(lane.remove(a)).toBe(true);
    expect(lane.remove(a)).toBe(false);
    lane.answered(true);
    lane.answered(true);
    lane.goBack();
    expect(takeAll(lane)).toEqual(["b"]);
  });
});

test("whatever is lost or refused on the way, a log behind the lane holds each once, in order", () => {
  const weather = fc.array(fc.constantFrom("stored", "lost", "unanswered"), {
    minLength: 0,
    maxLength: 200,
    size: "max",
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), weather, (count, script) => {
      const ids = Array.from({ length: count }, (_, index) => `m${index}`);
      const { lane } = laneOf(...ids);
      const log: string[] = [];
      const outcomes = [...script];
      for (let round = 0; lane.entries.length > 0 && round < 1000; round++) {
        const flight = [];
        for (let next = lane.next(); next; next = lane.next()) flight.push(next);
        for (const { entry: sent, after } of flight) {
          const { id } = sent.payload;
          const outcome = outcomes.shift() ?? "stored";
          const isRefused = after !== undefined && !log.includes(after);
          if (outcome !== "lost" && !isRefused && !log.includes(id)) log.push(id);
          const isAnswered = outcome === "stored" && !isRefused;
          if (isAnswered) lane.remove(sent);
          if (lane.answered(!isAnswered)) lane.goBack();
        }
      }
      expect(log).toEqual(ids);
      expect(lane.isIdle()).toBe(true);
    }),
    { numRuns: 500 },
  );
});
