import { expect, test } from "vitest";
import { judgeEchoes } from "../../../client/src/cli/doctor/delivery.ts";
import { judgeClock } from "../../../client/src/cli/doctor/http.ts";
import { judgeToken } from "../../../client/src/cli/doctor/token.ts";
import { judgeFates } from "../../../client/src/cli/doctor/watch.ts";

// The doctor's judgements where no real thing shows the difference; test/command-line has those that one shows.

const nowMs = 1_800_000_000_000;
const nowSeconds = nowMs / 1000;

function token(claims: object, head: object = { alg: "HS256" }): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part(head)}.${part(claims)}.c2lnbmF0dXJl`;
}

test.each([
  ["no user", { exp: nowSeconds + 60 }, "fail", "`sub`"],
  ["no end", { sub: "ann" }, "fail", "`exp`"],
  ["an end in milliseconds", { sub: "ann", exp: nowMs + 60_000 }, "fail", "milliseconds"],
  ["an end that is now", { sub: "ann", exp: nowSeconds }, "fail", "expired"],
  ["a second left", { sub: "ann", exp: nowSeconds + 1 }, "ok", "valid for 1 s more"],
  ["rights that are a list", { sub: "ann", exp: nowSeconds + 60, rooms: ["lobby"] }, "fail", "`rooms`"],
  ["a signing in the future", { sub: "ann", exp: nowSeconds + 60, iat: nowSeconds + 30 }, "warn", "`iat`"],
  ["all that it needs", { sub: "ann", exp: nowSeconds + 7200, iat: nowSeconds }, "ok", "for ann, valid for 2 h"],
])("a token with %s is judged so", (_, claims, state, found) => {
  expect(judgeToken(token(claims), nowMs)).toMatchObject({ state, found: expect.stringContaining(found) });
});

test("a token without a signature, one that is too long and none are told apart", () => {
  expect(judgeToken(token({}, { alg: "none" }), nowMs).found).toContain("no signature");
  expect(judgeToken("x".repeat(4097), nowMs).found).toContain("4096");
  expect(judgeToken(undefined, nowMs).state).toBe("skipped");
});

test("a clock is as wrong as a date that is cut to the second can prove", () => {
  const asked = { sentMs: nowMs, receivedMs: nowMs + 500 };
  const at = (offsetMs: number) => judgeClock(nowMs + offsetMs, asked);
  expect([-1000, 0, 500, 1900].map((offsetMs) => at(offsetMs).state)).toEqual(["ok", "ok", "ok", "ok"]);
  expect(at(-4000)).toMatchObject({ state: "warn", found: expect.stringContaining("3 s behind") });
  expect(at(5500)).toMatchObject({ state: "warn", found: expect.stringContaining("5 s ahead of") });
  expect(at(60_000).state).toBe("fail");
});

test("an echo is slow where it takes longer than the way explains", () => {
  const echoes = (ms: number) => Array.from({ length: 10 }, () => ms);
  expect(judgeEchoes(echoes(5), 4).state).toBe("ok");
  expect(judgeEchoes(echoes(300), 250).state, "the way itself is long").toBe("ok");
  expect(judgeEchoes(echoes(300), 20).state).toBe("warn");
  expect(judgeEchoes(echoes(5).slice(1), 4)).toMatchObject({ state: "fail", found: expect.stringContaining("9") });
});

test("what became of a quiet and of a busy connection tells a time-out of silence from a limit of life", () => {
  const alive = { type: "alive" } as const;
  const cut = (ageMs: number, silentMs: number) => ({ type: "cut", ageMs, silentMs }) as const;
  const announced = { type: "announced", ageMs: 5000, reason: "timeout" } as const;
  const judge = (...fates: Parameters<typeof judgeFates> extends [number, ...infer Fates] ? Fates : never) => {
    const { state, found } = judgeFates(70, ...fates);
    return `${state}: ${found}`;
  };
  expect(judge(alive, alive)).toBe("ok: two connections lived for 70 s");
  expect(judge(cut(9000, 4000), alive)).toMatch(/^fail: a connection without traffic is cut after 4\.0 s/);
  expect(judge(cut(60_000, 4000), cut(60_100, 10))).toMatch(/^fail: every connection is cut after 60\.0 s/);
  expect(judge(cut(9000, 4000), cut(50_000, 10))).toMatch(/^warn: a connection was cut after 9\.0 s/);
  expect(judge(alive, cut(9000, 10))).toMatch(/^warn/);
  expect(judge(announced, cut(9000, 10))).toMatch(/^ok: the server announced after 5\.0 s/);
});
