import { expect, test } from "vitest";
import {
  FIRST_EPOCH,
  kinds,
  LOST_AT_MS,
  log,
  lost,
  membership,
  message,
  oneLog,
  publish,
  publishesOf,
  SECOND_EPOCH,
  standing,
  told,
  words,
} from "./synthetic-history.ts";

// Synthetic histories: the verdict is known to catch each way in which a run can break the promise.

test("a member that got the whole log in its order gives no problem", () => {
  expect(kinds(oneLog, [membership(told(FIRST_EPOCH, "a0 a1 b0 a2"))])).toEqual([]);
});

test("a member must get only what was published after it joined", () => {
  expect(kinds(oneLog, [membership(told(FIRST_EPOCH, "b0 a2", 2), `${FIRST_EPOCH}-1`)])).toEqual([]);
});

test("a member who asked for history must get everything after the first message that it got", () => {
  const withHistory = (names: string) => ({
    ...membership(told(FIRST_EPOCH, names, 1), `${FIRST_EPOCH}-2`),
    eventsBeforeJoined: 2,
  });
  expect(kinds(oneLog, [withHistory("a1 b0 a2")])).toEqual([]);
  expect(kinds(oneLog, [withHistory("a1 b0")])).toEqual(["lost"]);
});

test("a message left out in the middle is lost", () => {
  const events = [...told(FIRST_EPOCH, "a0 a1"), message(`${FIRST_EPOCH}-3`, "a2")];
  expect(kinds(oneLog, [membership(events)])).toEqual(["lost"]);
});

test("messages left out at the beginning and at the end are lost", () => {
  expect(kinds(oneLog, [membership(told(FIRST_EPOCH, "a1 b0 a2", 1))])).toEqual(["lost"]);
  expect(kinds(oneLog, [membership(told(FIRST_EPOCH, "a0 a1"))])).toEqual(["lost", "lost"]);
  expect(kinds(oneLog, [membership([])])).toEqual(["lost", "lost", "lost", "lost"]);
});

test("a message delivered twice is a repeat, at once or later", () => {
  expect(kinds(oneLog, [membership([...told(FIRST_EPOCH, "a0"), ...told(FIRST_EPOCH, "a0 a1 b0 a2")])])).toEqual([
    "repeated",
  ]);
  expect(kinds(oneLog, [membership([...told(FIRST_EPOCH, "a0 a1 b0 a2"), ...told(FIRST_EPOCH, "a0")])])).toEqual([
    "repeated",
  ]);
});

test("two messages delivered in the wrong order are reported as reordered, not as lost", () => {
  const events = [0, 2, 1, 3].map((seq) => message(`${FIRST_EPOCH}-${seq}`, words("a0 a1 b0 a2")[seq] ?? ""));
  expect(kinds(oneLog, [membership(events)])).toEqual(["reordered"]);
});

test("a message whose content differs from the log, or that the log never held, is altered", () => {
  const events = told(FIRST_EPOCH, "a0 a1 b0 a2");
  const altered = events.with(1, message(`${FIRST_EPOCH}-1`, "a9"));
  expect(kinds(oneLog, [membership(altered)])).toEqual(["position-reused", "altered", "lost"]);
  expect(kinds(oneLog, [membership([...events, message("7-7", "a3")])])).toEqual(["altered"]);
});

test("a position that names two messages is reported, even if no member got both", () => {
  const twice = [lost("a0 a1 a2"), standing("b0", FIRST_EPOCH, 0)];
  expect(kinds(twice, [])).toEqual(["position-reused"]);
  expect(kinds(oneLog, [], { served: log(FIRST_EPOCH, "a0 a1 b0 b1") })).toContain("position-reused");
});

test("a member that never joined is reported", () => {
  expect(kinds(oneLog, [{ ...membership([]), joinedAt: undefined }])).toEqual(["never-joined"]);
});

test("an acknowledged message that no log held, or not there, is not stored", () => {
  const missing = publish("a3", { kind: "acknowledged", position: `${FIRST_EPOCH}-4`, atMs: 1 });
  const elsewhere = publish("a0", { kind: "acknowledged", position: `${FIRST_EPOCH}-1`, atMs: 1 });
  const published = publishesOf(oneLog);
  expect(kinds(oneLog, [], { publishes: [...published, missing] })).toEqual(["not-stored"]);
  expect(kinds(oneLog, [], { publishes: published.with(0, elsewhere) })).toEqual(["not-stored", "position-reused"]);
});

test("a message stored twice in one log is caught, acknowledged or not", () => {
  const doubled = [standing("a0 a1 a1", FIRST_EPOCH)];
  const unacknowledged = publishesOf(doubled).with(1, publish("a1", { kind: "rejected", code: "TIMED_OUT" }));
  expect(kinds(doubled, [])).toEqual(["stored-twice"]);
  expect(kinds(doubled, [], { publishes: unacknowledged })).toEqual(["unsettled", "stored-twice"]);
});

test("a message may be stored again in a new log unless it was acknowledged before the loss", () => {
  const logs = [lost("a0 a1"), standing("a1 a2")];
  const acknowledged = (atMs: number) => {
    const again = publish("a1", { kind: "acknowledged", position: `${SECOND_EPOCH}-0`, atMs });
    return publishesOf(logs).with(1, again);
  };
  expect(kinds(logs, [], { publishes: acknowledged(LOST_AT_MS + 1) })).toEqual([]);
  expect(kinds(logs, [], { publishes: acknowledged(LOST_AT_MS - 1) })).toEqual(["stored-twice"]);
});

test("messages of one publisher out of the order of its calls are caught, in one log and across two", () => {
  expect(kinds([standing("a1 a0", FIRST_EPOCH)], [])).toEqual(["stored-out-of-order"]);
  expect(kinds([lost("a1"), standing("a0")], [])).toEqual(["stored-out-of-order"]);
  expect(kinds([standing("b0 a0 b1 a1", FIRST_EPOCH)], [])).toEqual([]);
});

test("a publish without an outcome, one that was refused, and a message that nobody published are reported", () => {
  const published = publishesOf(oneLog);
  expect(kinds(oneLog, [], { publishes: [...published, publish("a3", { kind: "pending" })] })).toEqual(["unsettled"]);
  const refused = publish("a3", { kind: "rejected", code: "OUTBOX_FULL" });
  expect(kinds(oneLog, [], { publishes: [...published, refused] })).toEqual(["unsettled"]);
  expect(kinds(oneLog, [], { publishes: published.slice(1) })).toEqual(["not-published"]);
});

test("a server that serves another log than Redis has is caught", () => {
  const [log] = oneLog;
  expect(kinds(oneLog, [], { served: log?.appended.slice(0, -1) ?? [] })).toEqual(["served-differs"]);
  expect(kinds(oneLog, [], { served: log?.appended.toReversed() ?? [] })).toEqual(["served-differs"]);
});
