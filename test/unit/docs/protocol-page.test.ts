import { expect, test } from "vitest";
import * as z from "zod";
import {
  clientErrors,
  handshakeAuth,
  judge,
  limits,
  notifications,
  POSITION_PATTERN,
  type Position,
  requests,
  START,
  serverErrors,
} from "../../../client/src/protocol/index.ts";
import { httpStatus } from "../../../server/src/http/http-status.ts";
import { requestTable } from "../../../server/src/requests/table.ts";
import { cell, code, codes, type Row, read, repository, tableUnder } from "../../support/markdown.ts";

const page = read("client/PROTOCOL.md");

/** The fields of an object's schema as the page writes them: `name`, or `name?` where it may be absent. */
function fieldsOf(schema: z.ZodType): string[] {
  if (!(schema instanceof z.ZodObject)) return [];
  return Object.entries(schema.shape).map(([name, field]) => (isOptional(field) ? `${name}?` : name));
}

function isOptional(field: unknown): boolean {
  return field instanceof z.ZodOptional || field instanceof z.ZodExactOptional;
}

function byFirstColumn(rows: readonly Row[], name: string): Record<string, Row> {
  const entries = rows.map((row) => [code(row, name), row] as const);
  const found = Object.fromEntries(entries);
  expect(Object.keys(found)).toHaveLength(rows.length);
  return found;
}

test("the table of requests names every request with its payload and its answer", () => {
  const rows = byFirstColumn(tableUnder(page, "Requests"), "Request");
  expect(Object.keys(rows)).toEqual(Object.keys(requests));
  for (const [name, { payload, data }] of Object.entries(requests)) {
    const row = rows[name] ?? {};
    expect(codes(cell(row, "Payload")), `payload of ${name}`).toEqual(fieldsOf(payload));
    expect(codes(cell(row, "Data of the answer")), `data of ${name}`).toEqual(fieldsOf(data));
  }
});

test("the table of requests has the right and the cost of each row of the server's table", () => {
  const documented = tableUnder(page, "Requests").map((row) => [
    code(row, "Request"),
    { right: cell(row, "Right"), cost: Number(cell(row, "Cost")) },
  ]);
  const known = Object.entries(requestTable).map(([name, { right, cost }]) => [name, { right, cost }]);
  expect(documented).toEqual(known);
});

test("the table of notifications names every notification with its payload", () => {
  const rows = byFirstColumn(tableUnder(page, "Notifications"), "Notification");
  expect(Object.keys(rows)).toEqual(Object.keys(notifications));
  for (const [name, payload] of Object.entries(notifications)) {
    expect(codes(cell(rows[name] ?? {}, "Payload")), `payload of ${name}`).toEqual(fieldsOf(payload));
  }
});

test("the reasons of connection:expiring are all told", () => {
  const { reason } = notifications["connection:expiring"].shape;
  expect(tableUnder(page, "Reasons of `connection:expiring`").map((row) => code(row, "Reason"))).toEqual(
    reason.options,
  );
});

const { messages } = notifications["message:published"].shape;
const shapes: readonly (readonly [heading: string, schema: z.ZodType])[] = [
  ["Handshake", handshakeAuth],
  ["A message", messages.element],
  ["A sender", messages.element.shape.from],
  ["A page of the log", requests["history:read"].data],
  ["A member", requests["presence:list"].data.shape.members.element],
];

test.each(shapes)("the table under %s names every field", (heading, schema) => {
  expect(tableUnder(page, heading).map((row) => code(row, "Field"))).toEqual(fieldsOf(schema));
});

test.each(tableUnder(page, "Names and patterns").map((row) => [cell(row, "What"), row] as const))(
  "%s looks as the page says",
  (what, row) => {
    const patterns: Readonly<Record<string, (text: string) => boolean>> = {
      "a room": (room) => requests["room:leave"].payload.safeParse({ room }).success,
      "a message id": (id) => messages.element.shape.id.safeParse(id).success,
      "a session": (session) => handshakeAuth.shape.session.safeParse(session).success,
      "a position": (position) => POSITION_PATTERN.test(position),
    };
    const accepts = patterns[what];
    if (accepts === undefined) throw new Error(`expected one of ${Object.keys(patterns).join(", ")}, got ${what}`);
    const examples = codes(cell(row, "Accepted"));
    const counterexamples = codes(cell(row, "Refused"));
    expect(examples.filter(accepts)).toEqual(examples);
    expect(counterexamples.filter(accepts)).toEqual([]);
    // The pattern is what decides, so it must agree with the schema about the examples, and about lengths.
    const pattern = new RegExp(code(row, "Pattern"));
    for (const text of [
      ...examples,
      ...counterexamples,
      ...Array.from({ length: 140 }, (_, chars) => "a".repeat(chars)),
    ]) {
      expect(pattern.test(text), text).toBe(accepts(text));
    }
  },
);

test("the truth table of the continuity rule is what the code judges", () => {
  const rows = tableUnder(page, "The continuity rule");
  for (const row of rows) {
    const [last, previous] = [code(row, "`last`"), code(row, "`previous`")] as Position[];
    const messages = codes(cell(row, "Messages")).map((position) => ({ position: position as Position }));
    const had = judge(last ?? START, { ...(previous && { previous }), messages });
    const verdict = had === undefined ? "hold" : `take ${messages.length - had}`;
    expect(verdict, `${last} then ${previous} ${cell(row, "Messages")}`).toBe(cell(row, "Verdict"));
  }
  expect(new Set(rows.map((row) => cell(row, "Verdict").split(" ")[0]))).toEqual(new Set(["take", "hold"]));
});

test("the table of the server's errors is the code's", () => {
  const documented = tableUnder(page, "Error codes of the server").map((row) => [
    code(row, "Code"),
    { retryable: cell(row, "Retryable"), status: Number(cell(row, "HTTP")), advice: cell(row, "What to do") },
  ]);
  const known = Object.entries(serverErrors).map(([name, { retryable, advice }]) => [
    name,
    { retryable: retryable ? "yes" : "no", status: httpStatus[name as keyof typeof httpStatus], advice },
  ]);
  expect(documented).toEqual(known);
});

test("the table of the client's errors is the code's", () => {
  const documented = tableUnder(page, "Error codes of the client package").map((row) => [
    code(row, "Code"),
    { retryable: cell(row, "Retryable"), advice: cell(row, "What to do") },
  ]);
  const known = Object.entries(clientErrors).map(([name, { retryable, advice }]) => [
    name,
    { retryable: retryable ? "yes" : "no", advice },
  ]);
  expect(documented).toEqual(known);
});

test("the table of limits is the code's", () => {
  const documented = tableUnder(page, "Limits").map((row) => [code(row, "Limit"), numberIn(cell(row, "Value"))]);
  expect(documented).toEqual(Object.entries(limits));
});

test("the table of the server's own limits is what its sources say", () => {
  const rows = tableUnder(page, "Limits of the server");
  expect(rows.length).toBeGreaterThan(0);
  for (const row of rows) {
    const name = code(row, "Constant");
    const source = read(code(row, "In"));
    const [, factors] = new RegExp(`^const ${name} = ([0-9_* ]+);$`, "m").exec(source) ?? [];
    if (factors === undefined) throw new Error(`expected "const ${name} = …;" in ${code(row, "In")} of ${repository}`);
    const value = factors.split("*").reduce((product, factor) => product * Number(factor.replaceAll("_", "")), 1);
    expect(numberIn(cell(row, "Value")), name).toBe(value);
  }
});

function numberIn(text: string): number {
  const [digits] = /\d[\d,]*/.exec(text) ?? [];
  return digits === undefined ? Number.NaN : Number(digits.replaceAll(",", ""));
}
