import * as fc from "fast-check";
import { jsonText } from "./json-texts.ts";
import { hostileRequest } from "./payloads.ts";
import { seldom } from "./sample.ts";

/** One hostile thing on a connection: WebSocket messages that belong together, a text or an attachment each. */
export type PacketInput = readonly (string | Buffer)[];

const engineOnly = fc.constantFrom(
  ...["", "0", "1", "2", "3", "5", "6", "7", "9", "2probe", "3probe", "0{}", "4", "4x", "\0", "hello", "44"],
  ...["b", "bAAAA", "b====", "bb", "40", "41", "42", "43", "45", "46", "4\ud800", "é", "4294967296"],
);

const attachments = fc.constantFrom("", "", "", "0-", "1-", "2-", "10-", "01-", "-", "-1-", "1e3-", "999999999-");
const namespaces = fc.constantFrom(
  ...["", "", "", "", "/,", "/admin,", "/__proto__,", "/a?token=x,", "/../,", "//,", "/", `/${"x".repeat(1_000)},`],
);
/** Above what the fences of an attack use. */
const ids = fc.constantFrom("", "", "700000", "00000000000000700001", "99999999999999999999999", "-1", "1.5");

const placeholders = fc
  .integer({ min: 1, max: 3_000 })
  .map((count) => `["echo",${Array(count).fill('{"_placeholder":true,"num":0}').join(",")}]`);

const contents = fc.oneof(
  fc.constantFrom(
    ...["", "null", "{}", "[]", "[null]", "[1]", '[["echo"]]', '[{"toString":1}]', '"echo"', "[", '["echo",', "NaN"],
    ...[
      '["echo",1]',
      '["echo",NaN]',
      '["echo",undefined]',
      '["disconnect"]',
      '["connect_error",{}]',
      "[[[[",
      '{"a":1}',
    ],
    ...['["newListener"]', '["removeListener"]', '["error",{}]', '["disconnecting"]', '["__proto__"]', "['echo']"],
  ),
  hostileRequest,
  jsonText.map((json) => `["echo",${json}]`),
  jsonText,
);

const packet = fc
  .tuple(fc.constantFrom(..."0123456789"), attachments, namespaces, ids, contents)
  .map(([type, count, namespace, id, content]) => `4${type}${count}${namespace}${id}${content}`);

/** A packet that was whole, with a piece cut out. */
const cut = fc
  .tuple(packet, fc.nat(60), fc.nat(10))
  .map(([text, from, length]) => text.slice(0, from) + text.slice(from + length));

const withAttachments = fc
  .tuple(
    fc.oneof(packet, fc.constant('451-700002["echo",{"_placeholder":true,"num":0}]')),
    fc.array(
      fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
      { maxLength: 3 },
    ),
  )
  .map(([text, buffers]) => [text, ...buffers]);

const flood = fc
  .tuple(
    fc.constantFrom("40", '40{"protocol":1}', "41", "40/a,", "43700000[]", "2", "3", "6"),
    fc.integer({ min: 2, max: 300 }),
  )
  .map(([text, times]) => Array<string>(times).fill(text));

/** Anything that may be sent on a connection that was admitted. */
export const hostilePacket: fc.Arbitrary<PacketInput> = seldom<PacketInput>(
  fc.oneof(
    { weight: 1, arbitrary: engineOnly.map((text) => [text]) },
    { weight: 6, arbitrary: packet.map((text) => [text]) },
    { weight: 1, arbitrary: cut.map((text) => [text]) },
    { weight: 1, arbitrary: withAttachments },
  ),
  fc.oneof<fc.Arbitrary<PacketInput>[]>(
    flood,
    placeholders.map((content) => [`4${51}-700003${content}`, Buffer.from("attachment")]),
  ),
);
