import type { Status } from "@holdfast/client";
import { expect, test } from "vitest";
import { readAddress } from "../../../app/page/state/address.ts";
import { type Link, located, newLink, pieces, statusChanged } from "../../../app/page/state/link.ts";
import { allRead, answered, arrived, looked } from "../../../app/page/state/reading.ts";
import {
  emptyTimeline,
  heard,
  inAnotherRoom,
  missing,
  reacted,
  type Said,
  stored,
  written,
} from "../../../app/page/state/timeline.ts";

const said = (number: number): Said => ({
  kind: "said",
  id: `m${number}`,
  position: `1000-${number}`,
  text: `text ${number}`,
  name: undefined,
  from: { user: null, session: "a-session" },
  sentAtMs: number,
});

/** A link that went through these statuses at these moments. */
function after(...statuses: readonly (readonly [Status, number])[]): Link {
  return statuses.reduce((link, [status, atMs]) => statusChanged(link, status, atMs), newLink);
}

test("a move ends a stay when the next one has begun, and a cut ends it without one", () => {
  const moved = after(["connected", 0], ["moving", 900], ["connected", 1_000]);
  expect(moved).toMatchObject({
    moves: 1,
    cuts: 0,
    stays: [{ end: "moved", toMs: 1_000, moveMs: 100 }, { fromMs: 1_000 }],
  });
  const cut = after(["connected", 0], ["reconnecting", 1_000], ["connected", 1_500]);
  expect(cut).toMatchObject({ moves: 0, cuts: 1, stays: [{ end: "cut", toMs: 1_000 }, { fromMs: 1_500 }] });
  // The old connection went before the new one was there.
  const late = after(["connected", 0], ["moving", 900], ["reconnecting", 1_000], ["connected", 1_200]);
  expect(late).toMatchObject({ moves: 0, cuts: 1 });
  expect(pieces(cut, 2_000, 1_200).map(({ isAway, ms }) => [isAway, ms])).toEqual([
    [false, 200],
    [true, 500],
    [false, 500],
  ]);
});

test("what the server says of a connection counts for the one that is there", () => {
  const up = located(after(["connected", 0]), { instance: "c-1", ageMs: 5, leftMs: 95 }, 10);
  expect(up.stays).toEqual([{ fromMs: 0, instance: "c-1", deadlineMs: 105, lifeMs: 100 }]);
  const gone = after(["connected", 0], ["reconnecting", 10]);
  expect(located(gone, { instance: "c-1", ageMs: 5, leftMs: null }, 20)).toBe(gone);
});

test("a gap stands behind what is complete, also where that is not the end of the list", () => {
  const timeline = [1, 2, 3].map(said).reduce(heard, emptyTimeline);
  const ids = (after_: `${number}-${number}`) =>
    missing(timeline, { after: after_, position: "2000-0" }, "gap").entries.map(({ id }) => id);
  expect(ids("1000-3")).toEqual(["m1", "m2", "m3", "gap"]);
  expect(ids("1000-2")).toEqual(["m1", "m2", "gap", "m3"]);
  expect(ids("900-70")).toEqual(["gap", "m1", "m2", "m3"]);
});

test("an own message waits until it comes back from its room, and waits on while another room is shown", () => {
  const waiting = { kind: "waiting", id: "m1", room: "first", text: "text 1", writtenAtMs: 0 } as const;
  const timeline = written(emptyTimeline, waiting);
  expect(stored(timeline, "m1", "first").waiting).toEqual([waiting]);
  expect(heard(timeline, said(1))).toMatchObject({ waiting: [], entries: [{ id: "m1" }] });
  expect(stored(heard(timeline, said(1)), "m1", "first").waiting).toEqual([]);
  const elsewhere = inAnotherRoom(heard(timeline, said(2)));
  expect(elsewhere).toMatchObject({ waiting: [waiting], entries: [] });
  expect(stored(elsewhere, "m1", "second").waiting).toEqual([]);
});

test("the last word of a sender about an emoji counts", () => {
  const word = (by: string, isWithdrawn: boolean) => ({ to: "1000-1" as const, emoji: "👍", by, isWithdrawn });
  const twice = [word("ann", false), word("bo", false), word("ann", false)].reduce(reacted, emptyTimeline);
  expect(twice.reactions.get("1000-1")?.get("👍")?.size).toBe(2);
  const none = [word("ann", true), word("bo", true)].reduce(reacted, twice);
  expect(none.reactions.get("1000-1")?.size).toBe(0);
});

test("what comes unseen is unread until the end of the list is seen, and its line stands until an answer", () => {
  const away = looked(allRead, { isSeen: false });
  const two = arrived(arrived(away, "m1"), "m2");
  expect(two).toMatchObject({ unread: 2, firstUnread: "m1" });
  const back = looked(two, { isSeen: true });
  expect(back).toMatchObject({ unread: 0, firstUnread: "m1" });
  expect(answered(back).firstUnread).toBeUndefined();
  expect(arrived(allRead, "m3")).toBe(allRead);
});

test("the address names a room that the server takes, and a name", () => {
  const read = (rest: string) => readAddress(`https://app.example/${rest}`);
  expect(read("?name=%20Ann%20#team.a:1@x")).toEqual({ room: "team.a:1@x", name: "Ann" });
  expect(read("#caf%C3%A9%20noir").room).toBe("caf-noir");
  expect(read("#100%")).toEqual({ room: "100-", name: undefined });
  expect(read("?name=%20")).toEqual({ room: "lobby", name: undefined });
});
