import { expect, test } from "vitest";
import { parseHandshake } from "../../../server/src/sockets/handshake.ts";

const session = "s".repeat(16);

test("the fields come from auth, or from the query of a client that has none", () => {
  expect(parseHandshake({ auth: { protocol: 1, session }, query: {} })).toEqual({ protocol: 1, session });
  expect(parseHandshake({ auth: {}, query: { protocol: "1", session, token: "t" } })).toEqual({
    protocol: 1,
    session,
    token: "t",
  });
  expect(parseHandshake({ auth: { token: "auth" }, query: { protocol: "1", session, token: "query" } }).token).toBe(
    "auth",
  );
});

test("an unknown protocol is refused before anything else is checked", () => {
  expect(() => parseHandshake({ auth: { protocol: 2 }, query: {} })).toThrow(
    expect.objectContaining({ code: "UNSUPPORTED_PROTOCOL", message: "expected protocol 1, got 2" }),
  );
});

test.each<[string, Record<string, unknown>]>([
  ["auth.protocol", { session }],
  ["auth.protocol", { protocol: "1", session }],
  ["auth.session", { protocol: 1 }],
  ["auth.session", { protocol: 1, session: "short" }],
  ["auth.session", { protocol: 1, session: "s".repeat(65) }],
  ["auth.session", { protocol: 1, session: "no spaces allowed" }],
  ["auth.session", { protocol: 1, session: { length: 20 } }],
  ["auth.token", { protocol: 1, session, token: 5 }],
  ["auth.token", { protocol: 1, session, token: "t".repeat(4097) }],
])("%s is named where it is wrong: %o", (field, auth) => {
  expect(() => parseHandshake({ auth, query: {} })).toThrow(
    expect.objectContaining({ code: "INVALID_PAYLOAD", message: expect.stringContaining(field) }),
  );
});
