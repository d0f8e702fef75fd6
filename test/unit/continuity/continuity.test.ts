import fc from "fast-check";
import { expect, test } from "vitest";
import { gapCount, type History, judge, judgeGaps, judgeLosses } from "../../support/continuity/judge.ts";
import { type Step, steps, World } from "../../support/continuity/world.ts";
import { ModelLog } from "./model-log.ts";

async function play(log: ModelLog, script: readonly Step[]): Promise<History> {
  const history = await new World(log).run(script);
  judge(history);
  return history;
}

test("whatever Redis loses, each message is told once, and what is missing is told as a gap", async () => {
  await fc.assert(
    fc.asyncProperty(steps(["snapshot", "snapshot", "restore", "restore", "restart"], 150), async (script) => {
      const history = await play(new ModelLog(1000, 1), script);
      judgeLosses(history);
      judgeGaps(history);
    }),
    { numRuns: 1000 },
  );
});

test("lives that lose nothing make no gap", async () => {
  await fc.assert(
    fc.asyncProperty(steps(["snapshot", "restart", "restart", "restart"], 150), async (script) => {
      const history = await play(new ModelLog(1000, 1), script);
      judgeLosses(history);
      expect(gapCount(history)).toBe(0);
    }),
    { numRuns: 500 },
  );
});

/** Broadcasts of a lost log that arrive after its gap, at a client that stands at the start of an empty log. */
const lateBroadcasts: Step[] = [
  { move: "append", n: 0 },
  { move: "read", n: 8 },
  { move: "append", n: 0 },
  { move: "restore", n: 0 },
  { move: "answer", n: 5 },
  { move: "read", n: 8 },
  { move: "replace", n: 3 },
  { move: "answer", n: 11 },
  { move: "append", n: 1 },
];

test("clocks that stand, run back or jump ahead make nobody deaf, and no position is used twice", async () => {
  const clock = fc.constantFrom(51, -53, -1009, -500_009, 500_009);
  await fc.assert(
    fc.asyncProperty(steps(["snapshot", "restore", "restart", "flush", "trim"], 150), clock, async (script, stepMs) => {
      await play(new ModelLog(stepMs, 0), script);
    }),
    { numRuns: 1000, examples: [[lateBroadcasts, -500_009]] },
  );
});
