import { expect, test } from "vitest";
import type { Position } from "../../../client/src/protocol/index.ts";
import { judge } from "../../../client/src/protocol/position.ts";

test.each<[last: Position, previous: Position | undefined, positions: Position[], had: number | undefined]>([
  ["5-3", "5-3", ["5-4", "5-5"], 0],
  ["5-3", "5-1", ["5-2", "5-3", "5-4"], 2],
  ["5-3", "5-1", ["5-2", "5-3"], 2],
  ["5-3", "5-0", ["5-1", "5-2"], 2],
  ["5-3", "5-4", ["5-5"], undefined],
  ["5-3", "5-3", ["6-0"], 0],
  ["5-3", "5-2", ["6-0"], undefined],
  ["5-3", "5-4", ["6-0"], undefined],
  ["6-0", "5-2", ["5-3"], undefined],
  ["0-0", "0-0", ["5-0"], 0],
  ["0-0", "5-0", ["5-1"], undefined],
  ["9-3", "9-3", ["8-0"], 0],
  ["5-9", undefined, ["5-10"], 0],
  ["5-3", undefined, ["6-0"], undefined],
])("a receiver at %s had of what follows %s, %s, so many: %s", (last, previous, positions, had) => {
  const batch = { ...(previous && { previous }), messages: positions.map((position) => ({ position })) };
  expect(judge(last, batch)).toBe(had);
});
