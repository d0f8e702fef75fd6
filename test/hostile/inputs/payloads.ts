import * as fc from "fast-check";
import * as z from "zod";
import { requests } from "../../../client/src/protocol/events.ts";
import { hostileText, jsonText, prototypeNames } from "./json-texts.ts";

// What a hostile client sends for every request of the protocol's table: a valid shape, changed. A request or a field
// that is new in the table is attacked without a word here.

/** Rooms that are written to: few, so that what the rooms hold does not grow with the inputs. */
const rooms = Array.from({ length: 6 }, (_, room) => `attacked-${room}`);

/** Values of which each field takes those that its schema accepts. */
const values: readonly unknown[] = [
  ...rooms,
  ...["abcdefgh", "repeated-id", "chat:message", "chat:reaction", "chat:typing", "chat:cursor"],
  ...["0-0", "1-1", "1700000000000-7", 0, 1, 50, true, false, {}, { text: "hello" }, { x: 1, y: 2 }],
  ...[{ to: "1-1", emoji: "x" }, { name: "x" }, "0abc-3", "0abc:17", null],
];

/** The fields of an object as JSON texts; a name may stand there twice. */
type Fields = readonly (readonly [name: string, json: string])[];

type Change = (fields: Fields) => Fields;

const pickOf = (fields: Fields, index: number) => index % Math.max(1, fields.length);

const change: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(fc.nat(20), jsonText).map(([index, json]) => (fields: Fields) => {
      const picked = pickOf(fields, index);
      return fields.map(([name, value], position) => [name, position === picked ? json : value] as const);
    }),
  },
  {
    weight: 1,
    arbitrary: fc
      .nat(20)
      .map((index) => (fields: Fields) => fields.filter((_, position) => position !== pickOf(fields, index))),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.oneof(fc.constantFrom(...prototypeNames, "room", "data"), hostileText), jsonText)
      .map(([name, json]) => (fields: Fields) => [...fields, [name, json] as const]),
  },
);

function fieldsOf(payload: z.ZodType): fc.Arbitrary<Fields> {
  if (!(payload instanceof z.ZodObject)) return fc.constant([]);
  const fields = Object.entries(payload.shape).map(([name, schema]) => {
    if (!(schema instanceof z.ZodType)) throw new Error(`expected a schema for the field ${name}`);
    const accepted = values.filter((value) => schema.safeParse(value).success);
    if (accepted.length === 0) throw new Error(`expected a value that the field ${name} accepts: add one here`);
    return fc
      .tuple(fc.constantFrom(...accepted), fc.nat(9))
      .map(([value, chance]) => (chance === 0 ? [] : [[name, JSON.stringify(value)] as const]));
  });
  return fc.tuple(...fields).map((present) => present.flat());
}

const payloadOf = (payload: z.ZodType): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 1, arbitrary: jsonText },
    {
      weight: 9,
      arbitrary: fc
        .tuple(fieldsOf(payload), fc.array(change, { maxLength: 2 }))
        .map(([fields, changes]) => changes.reduce((changed, apply) => apply(changed), fields))
        .map((fields) => `{${fields.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(",")}}`),
    },
  );

const known = Object.entries(requests).map(([event, { payload }]) =>
  payloadOf(payload).map((json) => [JSON.stringify(event), json] as const),
);
const unknownEvent = fc.tuple(
  hostileText.map((name) => JSON.stringify(name)),
  jsonText,
);

/** The content of an event's packet, `["room:join",{…}]`, with the event's name first. */
export const hostileRequest: fc.Arbitrary<string> = fc
  .tuple(
    fc.oneof(...known.map((arbitrary) => ({ weight: 3, arbitrary })), { weight: 1, arbitrary: unknownEvent }),
    fc.nat(40),
  )
  .map(([[event, payload], chance]) => {
    if (chance === 0) return `[${event}]`;
    if (chance === 1) return `[${event},${payload},${payload}]`;
    if (chance === 2) return `[${event}${`,${payload.slice(0, 100) === payload ? payload : "0"}`.repeat(9)}]`;
    return `[${event},${payload}]`;
  });
