import { expect, test } from "vitest";
import { KnownPositions } from "../../../server/src/log/known-positions.ts";

test("the first member of a room decides where delivery begins, and those that follow change nothing", () => {
  const known = new KnownPositions(60);
  known.enter("lobby", "1-4");
  known.receive("lobby", { previous: "1-4", head: "1-5" });
  known.enter("lobby", "1-4");
  expect(known.delivered("lobby")).toBe("1-5");
});

test("nothing counts as delivered in a room that has no members here, whatever is told of it", () => {
  const known = new KnownPositions(60);
  known.receive("lobby", { previous: "1-4", head: "1-5" });
  known.catchUp("lobby", "1-6");
  expect(known.delivered("lobby")).toBeUndefined();
  known.enter("lobby", "1-6");
  known.leave("lobby");
  known.catchUp("lobby", "1-7");
  expect(known.delivered("lobby")).toBeUndefined();
  // It stays evidence against a log that has lost it.
  expect(known.evidence("lobby")).toEqual([{ position: "1-5" }]);
});

const knowing = () => {
  const known = new KnownPositions(3600);
  known.enter("room", "0-0");
  known.receive("room", { previous: "0-0", head: "5-3" });
  return known;
};

test("a loss that was reported with a batch counts as told while the loss entry is there, whatever became of the batch", () => {
  const appended = knowing();
  const shown = appended.evidence("room");
  appended.settle("room", shown, { newest: "6-4", head: "6-4", lost: ["5-3"], renewed: true });
  const heard = knowing();
  heard.receive("room", { previous: "6-0", head: "6-4", lost: ["5-3"] });
  for (const known of [appended, heard]) {
    expect(known.evidence("room")).toEqual([{ position: "6-4" }, { position: "5-3", toldAt: "6-0" }]);
  }
});
