import { expect, test } from "vitest";
import {
  fold,
  judgeFrame,
  type MembersNotice,
  type RoomCopy,
  type Told,
  takeFrame,
  touch,
  wholeNotice,
} from "../../../server/src/presence/fold.ts";
import { type PresenceFrame, parsePresenceFrame } from "../../../server/src/presence/frame.ts";
import { entryOf } from "../../../server/src/presence/member.ts";
import { RecentChanges } from "../../../server/src/presence/recent-changes.ts";

const empty: RoomCopy = { version: { epoch: "a", n: 0 }, count: 0, mode: "members", entries: new Map() };

/** A frame with one change: `+ann` is a member, `+ann=away` with a state, `-ann` is none. */
function frameOf(n: number, change: string, over: Partial<PresenceFrame> = {}): PresenceFrame {
  const [session = "", state] = change.slice(1).split("=");
  const entry = entryOf(session, 1, null, state === undefined ? "" : JSON.stringify(state));
  const changes = [{ session, entry: change.startsWith("+") ? entry : undefined }];
  return { epoch: "a", previous: n - 1, n, count: 1, mode: "members", by: "x", changes, ended: [], ...over };
}

function play(told: Told, copy: RoomCopy, frames: readonly PresenceFrame[]): { told: Told; copy: RoomCopy } {
  return frames.reduce((at, frame) => ({ told: touch(at.told, frame), copy: takeFrame(at.copy, frame) }), {
    told,
    copy,
  });
}

/** What an instance tells that was told everything up to `from` and has had all frames since. */
function noticeOf(frames: readonly PresenceFrame[], from: number): MembersNotice {
  const before = play(
    wholeNotice(empty).told,
    empty,
    frames.filter(({ n }) => n <= from),
  );
  const { told, copy } = play(
    wholeNotice(before.copy).told,
    before.copy,
    frames.filter(({ n }) => n > from),
  );
  const folded = fold(told, copy);
  if (folded === undefined) throw new Error("expected something to tell");
  return folded.notice;
}

test("a session that came and went within a tick is told as gone, because another instance may have told that it came", () => {
  const frames = [frameOf(4, "+ann"), frameOf(5, "+bob"), frameOf(6, "-ann")].map((frame) => ({ ...frame }));
  expect(noticeOf(frames, 3)).toMatchObject({ joined: [{ session: "bob" }], left: ["ann"], version: { n: 6 } });
});

test("a notice says what a session is now, also where that is what it was before", () => {
  const frames = [frameOf(1, "+ann=here"), frameOf(2, "+ann=away"), frameOf(3, "+ann=here")];
  expect(noticeOf(frames, 1).updated).toMatchObject([{ session: "ann", state: "here" }]);
});

test("states beyond 64 KB wait for the next notice, and the first one ends before them", () => {
  const long = "x".repeat(2_000);
  const frames = Array.from({ length: 50 }, (_, at) => frameOf(at + 1, `+s${at}=${long}`));
  const { told, copy } = play(wholeNotice(empty).told, empty, frames);
  const first = fold(told, copy);
  if (first === undefined) throw new Error("expected a first notice");
  expect(first.notice.joined.length).toBe(32);
  expect(first.notice.version.n).toBe(32);
  const second = fold(first.told, copy);
  expect(second?.notice).toMatchObject({ previous: { n: 32 }, version: { n: 50 } });
  expect(second?.notice.joined.length).toBe(18);
  expect(second && fold(second.told, copy)).toBeUndefined();
});

test("another mode or epoch is told as a whole", () => {
  const { told, copy } = play(wholeNotice(empty).told, empty, [frameOf(1, "+ann")]);
  const counted = { ...copy, mode: "count" as const, entries: new Map<never, never>() };
  expect(fold(told, counted)?.notice).toMatchObject({ previous: undefined, joined: [], mode: "count" });
  expect(fold(told, { ...copy, version: { epoch: "b", n: 9 } })?.notice).toMatchObject({
    previous: undefined,
    joined: [{ session: "ann" }],
  });
});

test.each([
  ["the next one", {}, "take"],
  ["one that is known", { n: 3, previous: 2 }, "old"],
  ["one after a hole", { n: 6, previous: 5 }, "read"],
  ["one of another life of the data", { epoch: "b", n: 1, previous: 0 }, "other epoch"],
  ["a count, whatever is between", { n: 9, previous: 7, mode: "count" }, "take"],
] as const)("a frame that is %s", (_what, over, step) => {
  expect(judgeFrame({ ...empty, version: { epoch: "a", n: 3 } }, frameOf(4, "+ann", over))).toBe(step);
});

test("a room that comes back from counting is read, because its members are not known", () => {
  const counting: RoomCopy = { ...empty, version: { epoch: "a", n: 3 }, mode: "count" };
  expect(judgeFrame(counting, frameOf(4, "+ann"))).toBe("read");
});

test("a client that comes back gets what changed since, as far as that is remembered", () => {
  const recent = new RecentChanges();
  recent.begin(empty.version);
  const frames = Array.from({ length: 300 }, (_, at) => frameOf(at + 1, `+s${at + 1}`));
  for (const frame of frames) recent.add(frame);
  const { copy } = play(wholeNotice(empty).told, empty, frames);
  const since = (n: number) => recent.after({ epoch: "a", n }, copy);
  expect(since(298)).toMatchObject({
    previous: { n: 298 },
    version: { n: 300 },
    joined: [{ session: "s299" }, { session: "s300" }],
  });
  expect(since(44)?.joined).toHaveLength(256);
  expect(since(43)).toBeUndefined();
  expect(since(301)).toBeUndefined();
  expect(recent.after({ epoch: "b", n: 299 }, copy)).toBeUndefined();
});

test("what is no frame is ignored", () => {
  expect(parsePresenceFrame("{")).toBeUndefined();
  expect(parsePresenceFrame('{"epoch":1}')).toBeUndefined();
});
