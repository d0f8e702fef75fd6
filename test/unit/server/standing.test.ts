import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { AuthorizeQuestion } from "../../../server/src/auth/identity.ts";
import { anonymous, type Identity } from "../../../server/src/auth/identity.ts";
import { parseRoomRights } from "../../../server/src/auth/rights.ts";
import { Standing } from "../../../server/src/auth/standing.ts";

const ann: Identity = { ...anonymous, user: "ann", claims: { team: "a" } };
const none = { read: false, write: false };

/** An application that answers when it is told to. */
function asked(answer: (question: AuthorizeQuestion) => boolean | Promise<boolean> = () => true) {
  const questions: AuthorizeQuestion[] = [];
  const authorize = async (question: AuthorizeQuestion) => {
    questions.push(question);
    return answer(question);
  };
  return { questions, options: { authorize, roomRights: none, inboxes: true, isRevoked: () => false } };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date", "performance"] });
});

afterEach(() => {
  vi.useRealTimers();
});

test("what the claim decides is decided at once, and the application is not asked", () => {
  const { questions, options } = asked();
  const standing = new Standing({ ...ann, rooms: parseRoomRights({ lobby: "read" }) }, "a-session", options);
  expect([standing.may("lobby", "read"), standing.may("lobby", "write")]).toEqual([true, false]);
  expect(questions).toEqual([]);
});

test("an answer of authorize is kept for five minutes, by room and by action", async () => {
  const { questions, options } = asked(({ action }) => action === "read");
  const standing = new Standing(ann, "a-session", options);
  const together = [standing.may("lobby", "read"), standing.may("lobby", "read")];
  expect(await Promise.all(together)).toEqual([true, true]);
  expect(standing.may("lobby", "read")).toBe(true);
  expect(await standing.may("lobby", "write")).toBe(false);
  expect(questions).toEqual([
    { user: "ann", claims: { team: "a" }, room: "lobby", action: "read" },
    { user: "ann", claims: { team: "a" }, room: "lobby", action: "write" },
  ]);
  vi.advanceTimersByTime(299_999);
  expect(standing.may("lobby", "read")).toBe(true);
  vi.advanceTimersByTime(1);
  expect(await standing.may("lobby", "read")).toBe(true);
  expect(questions).toHaveLength(3);
});

test("256 answers are kept, and the oldest goes first", async () => {
  const { questions, options } = asked();
  const standing = new Standing(ann, "a-session", options);
  for (let room = 0; room <= 256; room += 1) await standing.may(`room-${room}`, "read");
  expect(standing.may("room-1", "read")).toBe(true);
  expect(standing.may("room-0", "read")).toBeInstanceOf(Promise);
  expect(questions).toHaveLength(258);
});

test("a failure is no answer: it is thrown, and the next request asks again", async () => {
  let calls = 0;
  const { options } = asked(() => {
    calls += 1;
    if (calls === 1) throw new Error("the database is away");
    return true;
  });
  const standing = new Standing(ann, "a-session", options);
  await expect(standing.may("lobby", "read")).rejects.toThrow("database");
  expect(await standing.may("lobby", "read")).toBe(true);
});

test("an answer that was asked for before a recheck does not count after it", async () => {
  const answers = [true, false];
  const gates: (() => void)[] = [];
  const { questions, options } = asked(async () => {
    const answer = answers.shift() ?? false;
    await new Promise<void>((resolve) => gates.push(resolve));
    return answer;
  });
  const standing = new Standing(ann, "a-session", options);
  const allowed = Promise.resolve(standing.may("lobby", "read"));
  standing.forget("lobby");
  gates[0]?.();
  await vi.waitFor(() => expect(gates).toHaveLength(2));
  gates[1]?.();
  expect(await allowed).toBe(false);
  expect(questions).toHaveLength(2);
});

test("a recheck of one room leaves the answers about others, and one of all leaves none", async () => {
  const { questions, options } = asked();
  const standing = new Standing(ann, "a-session", options);
  for (const room of ["a", "b"]) await standing.may(room, "read");
  standing.forget("a");
  expect(standing.may("b", "read")).toBe(true);
  await standing.may("a", "read");
  expect(questions).toHaveLength(3);
  standing.forget();
  for (const room of ["a", "b"]) await standing.may(room, "read");
  expect(questions).toHaveLength(5);
});

test("a fresh token brings its own rights", async () => {
  const { options } = asked(() => false);
  const standing = new Standing({ ...ann, rooms: parseRoomRights({ lobby: "read write" }) }, "a-session", options);
  standing.beginRenewal()({ ...ann, rooms: parseRoomRights({ lobby: "read" }) }, 0);
  expect([standing.may("lobby", "read"), standing.may("lobby", "write")]).toEqual([true, false]);
});

test("an expired identity has its rights until the grace is over, and none after it", () => {
  const standing = new Standing(
    { ...ann, rooms: parseRoomRights({ "*": "read" }), expiresAtMs: Date.now() + 1_000 },
    "a-session",
    asked().options,
  );
  vi.advanceTimersByTime(11_000);
  expect(standing.may("lobby", "read")).toBe(true);
  vi.advanceTimersByTime(1);
  expect(() => standing.may("lobby", "read")).toThrow("expired");
  standing.beginRenewal()({ ...ann, rooms: parseRoomRights({ "*": "read" }), expiresAtMs: Date.now() + 1_000 }, 0);
  expect(standing.may("lobby", "read")).toBe(true);
});

test("of two renewals the one that began later counts, whichever comes first", () => {
  const standing = new Standing(ann, "a-session", asked(() => false).options);
  const [older, newer] = [standing.beginRenewal(), standing.beginRenewal()];
  newer({ ...ann, claims: "newer" }, 0);
  older({ ...ann, claims: "older" }, 0);
  expect(standing.claims).toBe("newer");
  standing.beginRenewal()({ ...ann, claims: "newest" }, 0);
  expect(standing.claims).toBe("newest");
});

test("a user who was disconnected has no right any more, not even one that the claim gives", () => {
  let isRevoked = false;
  const options = { ...asked().options, isRevoked: () => isRevoked };
  const standing = new Standing({ ...ann, rooms: parseRoomRights({ "*": "read" }) }, "a-session", options);
  expect(standing.may("lobby", "read")).toBe(true);
  isRevoked = true;
  expect(() => standing.may("lobby", "read")).toThrow("disconnected");
});
