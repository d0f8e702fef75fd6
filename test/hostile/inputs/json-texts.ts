import * as fc from "fast-check";
import { seldom } from "./sample.ts";

// JSON as a hostile client writes it. It is text, because not all of it can be made from values.

/** Names that mean something to an object, and a list of which no key of one's own may be taken for it. */
export const prototypeNames = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "valueOf",
  "hasOwnProperty",
  "__defineGetter__",
  "toJSON",
  "then",
  "length",
];

const strangeTexts = [
  ...["", " ", "\0", "\n", "*", "#", "..", "%00", "{{}}", "{a}", "user:", "user:*", "a,b", '"', "\\", "'; DROP TABLE"],
  ...["NaN", "Infinity", "-Infinity", "undefined", "null", "true", "-0", "0x10", "1e999", "1_000"],
  ...["\ud800", "\udfff", "\ud83d", "a\udc00b", "\u202e", "\ufeff", "\uffff", "\u2028", "é", "好"],
  ...["0-0", "1-1", "01-1", "1-", "-1-1", "999999999999999-999999999999999", "1000000000000000-0", "1-1 COUNT 1"],
  ...["\r\nGET / HTTP/1.1\r\n\r\n", "redis.call('FLUSHALL')", "$" + "{7*7}", "../../etc/passwd"],
];

const hugeText = fc
  .tuple(fc.constantFrom("x", "好", "\ud800", '"', "\0", "{"), fc.integer({ min: 1_000, max: 50_000 }))
  .map(([unit, times]) => unit.repeat(times));

export const hostileText = seldom(
  fc.oneof(
    fc.constantFrom(...prototypeNames),
    fc.constantFrom(...strangeTexts),
    fc.string({ unit: "binary", maxLength: 40 }),
  ),
  hugeText,
);

const number = fc.constantFrom(
  ...["0", "-0", "1", "-1", "0.5", "500", "501", "1e308", "1e999", "-1e999", "5e-324"],
  ...["9007199254740993", "123456789012345678901234567890", "4294967296", "2147483648"],
);

const nested = fc
  .tuple(fc.constantFrom(["[", "]"], ['{"a":', "}"], ['[{"a":', "}]"]), fc.constantFrom(1, 31, 32, 33, 200, 1_000))
  .map(([[open = "", close = ""], levels]) => `${open.repeat(levels)}0${close.repeat(levels)}`);

const abyss = fc.constantFrom(5_000, 50_000).map((levels) => `${"[".repeat(levels)}${"]".repeat(levels)}`);

const wide = fc
  .tuple(fc.constantFrom("0", "null", "[]", '""'), fc.integer({ min: 100, max: 30_000 }))
  .map(([member, members]) => `[${Array(members).fill(member).join(",")}]`);

const manyKeys = fc
  .integer({ min: 100, max: 5_000 })
  .map((keys) => `{${Array.from({ length: keys }, (_, key) => `"key-${key}":0`).join(",")}}`);

const poisoned = fc.constantFrom(
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"toString":null,"valueOf":null}',
  '{"toJSON":1,"then":1}',
  '{"length":-1}',
  '{"length":4294967296}',
  '{"_placeholder":true,"num":0}',
  '{"_placeholder":true,"num":-1}',
  '{"a":1,"a":2}',
);

/** Any JSON that a field may be given. */
export const jsonText: fc.Arbitrary<string> = seldom(
  fc.oneof(
    { weight: 4, arbitrary: hostileText.map((text) => JSON.stringify(text)) },
    { weight: 2, arbitrary: number },
    { weight: 1, arbitrary: fc.constantFrom("null", "true", "false", "[]", "{}", "[[]]", "[null]") },
    { weight: 1, arbitrary: nested },
    { weight: 1, arbitrary: poisoned },
    { weight: 1, arbitrary: fc.json({ maxDepth: 2 }) },
  ),
  fc.oneof(wide, manyKeys, abyss),
);
