import { expect, test } from "vitest";
import { SharedTurns } from "../../../server/src/clock/shared-turns.ts";

const pauseMs = 20;

test("one that comes alone goes on at once, and so does the next one after the pause", async () => {
  const turns = new SharedTurns(pauseMs);
  expect(turns.turn()).toBeUndefined();
  await expect.poll(() => turns.turn(), { interval: pauseMs + 1 }).toBeUndefined();
});

test("those that come soon after a turn go on together, when the pause is over and not before", async () => {
  const turns = new SharedTurns(pauseMs);
  void turns.turn();
  const begunMs = performance.now();
  const order: string[] = [];
  const all = ["first", "second", "third"].map(async (name) => {
    await turns.turn();
    order.push(name);
    // What goes on in the same turn comes before anything that an earlier one leads to.
    await new Promise((resolve) => setImmediate(resolve));
    order.push(`after ${name}`);
  });
  await Promise.all(all);
  expect(performance.now() - begunMs).toBeGreaterThanOrEqual(pauseMs - 2);
  expect(order).toEqual(["first", "second", "third", "after first", "after second", "after third"]);
});

test("a turn that was waited for begins a pause of its own", async () => {
  const turns = new SharedTurns(pauseMs);
  void turns.turn();
  await turns.turn();
  expect(turns.turn()).toBeInstanceOf(Promise);
});
