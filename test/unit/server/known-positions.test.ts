import { expect, test } from "vitest";
import { KnownPositions } from "../../../server/src/log/known-positions.ts";

const knowing = () => {
  const known = new KnownPositions(3600);
  known.enter("room", "0-0");
  known.hear("room", { previous: "0-0", head: "5-3" });
  return known;
};

test("a loss that was reported with a batch counts as told while the loss entry is there, whatever became of the batch", () => {
  const appended = knowing();
  const shown = appended.evidence("room");
  appended.settle("room", shown, { newest: "6-4", head: "6-4", lost: ["5-3"], renewed: true });
  const heard = knowing();
  heard.hear("room", { previous: "6-0", head: "6-4", lost: ["5-3"] });
  for (const known of [appended, heard]) {
    expect(known.evidence("room")).toEqual([{ position: "6-4" }, { position: "5-3", toldAt: "6-0" }]);
  }
});
