import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { momentNow } from "../../server/src/clock/elapsed.ts";
import { whenElapsed } from "../../server/src/clock/when-elapsed.ts";

// It stands here because it measures the memory of its process, which unit tests share.
setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

test("a wait that was called off leaves nothing in memory, however long it would have been", () => {
  const now = momentNow();
  const waits = 100_000;
  const callOffAll = () => {
    // Node.js keeps a list of timers for each duration, so those of one duration would hide what is left over.
    for (let wait = 0; wait < waits; wait += 1) whenElapsed(now, 600_000 + wait, () => undefined)();
  };
  callOffAll();
  const before = heapBytes();
  for (let wait = 0; wait < waits; wait += 1) whenElapsed(now, 1_000_000 + wait, () => undefined)();
  expect((heapBytes() - before) / waits).toBeLessThan(20);
});
