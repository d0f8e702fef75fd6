import { expect, test } from "vitest";
import { SeenPositions } from "../../../server/src/log/seen-positions.ts";

test("the newest position of a room is kept, whatever the order in which they are noted", () => {
  const seen = new SeenPositions();
  seen.note("lobby", "100-9");
  seen.note("lobby", "100-10");
  seen.note("lobby", "99-50");
  expect(seen.get("lobby")).toBe("100-10");
  seen.note("lobby", "101-0");
  expect(seen.get("lobby")).toBe("101-0");
});

test("a room that was forgotten, or never seen, has no position", () => {
  const seen = new SeenPositions();
  seen.note("lobby", "1-1");
  seen.note("other", "2-2");
  seen.forget("lobby");
  expect(seen.get("lobby")).toBeUndefined();
  expect(seen.get("never")).toBeUndefined();
  expect(seen.get("other")).toBe("2-2");
});
