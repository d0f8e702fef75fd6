import { expect, test } from "vitest";
import { purposeOf } from "../../bench/presence/idle.ts";
import { presenceReport } from "../../bench/presence/report.ts";

const at = "1795545340.970725";
const room = "holdfast:{lobby}:presence";

test.each([
  ["a script with keys of members", `${at} [0 127.0.0.1:57262] "EVALSHA" "2fdd" "5" "${room}:members"`, "presence"],
  ["a publication to those who watch", `${at} [0 127.0.0.1:57262] "SPUBLISH" "${room}" "{}"`, "presence"],
  ["a renewal of a lease", `${at} [0 [::1]:57262] "EVALSHA" "cd81" "1" "holdfast:{@}:leases" "pxHt4Q"`, "presence"],
  ["a probe of a link", `${at} [0 127.0.0.1:57262] "EVAL" "return 1" "0"`, "others"],
  ["a check of a log", `${at} [0 127.0.0.1:57262] "EVALSHA" "a3aa" "3" "holdfast:{lobby}:log"`, "others"],
  ["what a script calls", `${at} [0 lua] "HLEN" "${room}:members"`, undefined],
  ["what is no command", "OK", undefined],
])("of what Redis was asked, %s is counted where it belongs", (_what, line, purpose) => {
  expect(purposeOf(line)).toBe(purpose);
});

const cost = { commandsPerMemberMinute: 0.01, otherCommandsPerMemberMinute: 0, bytesPerMember: 100 };
const storm = { tookMs: 10_000, scriptsPerSecond: 1, commandsPerSecond: 1, serversCpu: 1, redisCpu: 1 };
const measured = {
  big: {
    members: 10,
    storm,
    notices: [0, 0, 5, 1],
    firstPageMs: [1],
    wholeListMs: [0, 1],
    incomplete: 0,
    countMs: [1],
  },
  plainListMs: [0, 0, 1],
  deaths: { killedMs: [1], frozenMs: [1], expected: 20, announcements: 20 },
  moves: { moves: 1, cuts: 1, joins: 0, leaves: 0 },
  idle: { big: cost, rooms200: cost, rooms10: cost },
};

test("a member that is told most decides about the notifications, and the ratio is that of the medians", () => {
  const { targets, figures, failures } = presenceReport(measured);
  expect(targets.find(({ name }) => name === "notifications to each member")?.value).toBe(3);
  expect(figures.find(({ name }) => name === "whole list p50 against fetchSockets()")?.values).toEqual([0.5, null]);
  expect(failures).toEqual([]);
});

test("a member that is left out, told twice or shown to leave fails the run", () => {
  const { failures } = presenceReport({
    ...measured,
    big: { ...measured.big, incomplete: 2 },
    deaths: { ...measured.deaths, announcements: 21 },
    moves: { ...measured.moves, leaves: 1 },
  });
  expect(failures).toEqual([
    "2 lists left a member out",
    "expected 20 announcements that a member is gone, got 21",
    "1 joins and leaves were shown of members that stayed",
  ]);
});
