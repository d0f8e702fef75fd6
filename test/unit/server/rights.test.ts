import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Action,
  decideRight,
  parseRights,
  parseRoomRights,
  type RightInputs,
  type Rights,
} from "../../../server/src/auth/rights.ts";

const all: Rights = { read: true, write: true };
const none: Rights = { read: false, write: false };

/** A user of whom nothing is known but the claim. */
function inputs(claim?: Record<string, string>, others: Partial<RightInputs> = {}): RightInputs {
  return {
    user: "ann",
    claim: claim === undefined ? undefined : parseRoomRights(claim),
    authorized: undefined,
    roomRights: none,
    inboxes: true,
    ...others,
  };
}

const both = (given: RightInputs, room: string) =>
  (["read", "write"] as const).map((action) => decideRight(given, room, action)).join(" ");

describe("the truth table of rights", () => {
  const claim = { lobby: "read write", "news:*": "read", "news:mine": "write", "news:eu:*": "", "*": "" };
  // The claim, the answer of authorize, ROOM_RIGHTS, the room, and whether its user may read and write.
  const rows: [Record<string, string> | undefined, RightInputs["authorized"], Rights, string, string][] = [
    [claim, undefined, all, "lobby", "true true"],
    [claim, undefined, all, "news:sport", "true false"],
    [claim, undefined, all, "news:", "true false"],
    [claim, undefined, all, "news", "false false"],
    [claim, undefined, all, "news:mine", "false true"],
    [claim, undefined, all, "news:mine:2", "true false"],
    [claim, undefined, all, "news:eu:1", "false false"],
    [claim, true, all, "lobby2", "false false"],
    [{}, undefined, none, "lobby", "false false"],
    [{}, undefined, all, "lobby", "true true"],
    [undefined, undefined, { read: true, write: false }, "lobby", "true false"],
    [undefined, true, none, "lobby", "true true"],
    [undefined, false, all, "lobby", "false false"],
    [undefined, "unasked", all, "lobby", "ask ask"],
    [{ "doc:*": "read" }, "unasked", all, "doc:1", "true false"],
    [{ "doc:*": "read" }, "unasked", all, "lobby", "ask ask"],
    [{ "lobby*": "read", lobby: "write" }, undefined, none, "lobby", "false true"],
    [{ "*": "read write" }, undefined, none, "anything", "true true"],
    // An inbox is read by its user alone; who writes to it is decided as everywhere.
    [undefined, undefined, none, "user:ann", "true false"],
    [{ "*": "", "user:ann": "write" }, undefined, none, "user:ann", "true true"],
    [{ "*": "read write" }, undefined, all, "user:bob", "false true"],
    [undefined, true, all, "user:bob", "false true"],
    [undefined, "unasked", all, "user:bob", "false ask"],
    [{ "user:*": "read" }, undefined, none, "user:ann:2", "false false"],
    [{ "user:*": "read write" }, undefined, none, "user:", "false true"],
    [{ "user:*": "read write" }, undefined, none, "user:an", "false true"],
  ];

  test.each(rows)("%o, authorize %s, ROOM_RIGHTS %o: %s is %s", (given, authorized, roomRights, room, expected) => {
    expect(both(inputs(given, { authorized, roomRights }), room)).toBe(expected);
  });

  test("an inbox is nobody's who has not signed in, and where everybody is anonymous there is none", () => {
    const nobody = { user: null, roomRights: all };
    expect(both(inputs(undefined, nobody), "user:null")).toBe("false true");
    expect(both(inputs(undefined, nobody), "user:")).toBe("false true");
    expect(both(inputs(undefined, { ...nobody, inboxes: false }), "user:ann")).toBe("true true");
  });
});

describe("a claim", () => {
  test.each<[string, unknown, string]>([
    ["a text", "read", "an object"],
    ["a list", ["lobby"], "an object"],
    ["null", null, "an object"],
    ["a number", 7, "an object"],
    ["a * within a pattern", { "news:*:eu": "read" }, "only at its end"],
    ["two *", { "**": "read" }, "only at its end"],
    ["a name that no room can have", { "two words": "read" }, "only at its end"],
    ["an empty name", { "": "read" }, "only at its end"],
    ["a name that is too long", { ["x".repeat(129)]: "read" }, "only at its end"],
    ["a right that does not exist", { lobby: "admin" }, "admin"],
    ["a right in capitals", { lobby: "READ" }, "READ"],
    ["rights as a list", { lobby: ["read"] }, "lobby"],
    ["rights as true", { lobby: true }, "lobby"],
    ["too many entries", Object.fromEntries(Array.from({ length: 1_001 }, (_, n) => [`r${n}`, "read"])), "1000"],
  ])("that is %s is refused with what was expected", (_what, claim, part) => {
    expect(() => parseRoomRights(claim)).toThrow(part);
  });

  test("is read in any order of its words, and `none` is nothing", () => {
    expect(parseRights("write read")).toEqual(all);
    expect(parseRights("  read  ")).toEqual({ read: true, write: false });
    for (const text of ["", "none"]) expect(parseRights(text)).toEqual(none);
    for (const text of ["read none", "readwrite", "read,write", "read\twrite", "*"]) {
      expect(parseRights(text)).toBeUndefined();
    }
  });

  test("that names what every object has gives no rights to anything else", () => {
    const names = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"];
    for (const name of names) {
      const claim: unknown = JSON.parse(`{"${name}":"read write"}`);
      const given = inputs(undefined, { claim: parseRoomRights(claim) });
      expect(both(given, name)).toBe("true true");
      for (const other of [...names, "lobby"].filter((each) => each !== name)) {
        expect(both(given, other)).toBe("false false");
        expect(both(inputs({}), other)).toBe("false false");
      }
    }
  });
});

describe("whatever the claim is,", () => {
  const chars = fc.constantFrom(..."ab:_.@-9Z");
  const name = fc.oneof(
    fc.string({ unit: chars, minLength: 1, maxLength: 12 }),
    fc.constantFrom("__proto__", "constructor", "user:ann", "user:bob", "x".repeat(128)),
  );
  const rule = fc.oneof(
    name,
    fc.string({ unit: chars, maxLength: 6 }).map((stem) => `${stem}*`),
  );
  const claims = fc.dictionary(rule, fc.constantFrom("", "read", "write", "read write"), { maxKeys: 20 });
  const actions = fc.constantFrom<Action>("read", "write");
  const rightsOf = fc.record({ read: fc.boolean(), write: fc.boolean() });
  const answers = fc.constantFrom<RightInputs["authorized"]>(true, false, "unasked", undefined);

  /** The same by the longest of all rules that match, as slowly as it is plain. */
  function expected(claim: Record<string, string>, given: RightInputs, room: string, action: Action): boolean | "ask" {
    if (room.startsWith("user:") && action === "read") return room.slice("user:".length) === given.user;
    const [longest] = Object.keys(claim)
      .filter((each) => (each.endsWith("*") ? room.startsWith(each.slice(0, -1)) : room === each))
      .sort((a, b) => b.replace("*", "").length - a.replace("*", "").length || a.length - b.length);
    if (longest !== undefined) return (claim[longest] ?? "").split(" ").includes(action);
    if (given.authorized === "unasked") return "ask";
    return given.authorized ?? given.roomRights[action];
  }

  test("the longest rule that matches decides, then authorize, then ROOM_RIGHTS", () => {
    fc.assert(
      fc.property(claims, answers, rightsOf, name, actions, (claim, authorized, roomRights, room, action) => {
        const given = inputs(claim, { authorized, roomRights });
        expect(decideRight(given, room, action)).toBe(expected(claim, given, room, action));
      }),
      { numRuns: 5_000 },
    );
  });

  test("a rule of another room changes nothing", () => {
    fc.assert(
      fc.property(claims, name, name, actions, (claim, room, other, action) => {
        fc.pre(other !== room && !Object.hasOwn(claim, other));
        const more = { ...claim, [other]: "read write" };
        expect(decideRight(inputs(more), room, action)).toBe(decideRight(inputs(claim), room, action));
      }),
      { numRuns: 2_000 },
    );
  });

  test("anything else than a claim is refused with a sentence, and nothing else is thrown", () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withBigInt: false }), (value) => {
        try {
          parseRoomRights(value);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
          expect((error as Error).message).toMatch(/^expected rooms/);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
