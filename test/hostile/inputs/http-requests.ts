import * as fc from "fast-check";
import { hostileText, jsonText } from "./json-texts.ts";
import { seldom } from "./sample.ts";

const methods = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom("GET", "POST") },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...["PUT", "HEAD", "OPTIONS", "DELETE", "TRACE", "CONNECT", "PRI", "get", "", "\0", "G ET"],
    ),
  },
);

const encoded = fc.oneof(
  fc.constantFrom(
    ...["%", "%0", "%00", "%2e%2e%2f", "%E0%A4%A", "%ED%A0%80", "%FF", "%c0%af", "..", "__proto__", "%7Ba%7D"],
  ),
  hostileText.map((text) => encodeURIComponent(Buffer.from(text).toString()).slice(0, 4_000)),
  fc.constant("attacked-0"),
);

const queries = fc.oneof(
  fc.constantFrom(
    "",
    "",
    "?",
    "?limit=NaN",
    "?limit=1e9",
    "?limit=",
    "?limit=-1",
    "?limit=0x10",
    "?after=0-0&before=0-0",
  ),
  fc.constantFrom("?__proto__=1", "?after[]=1", "?after=1&after=2", `?${"a=1&".repeat(1_000)}`, "?token=a.b.c"),
  encoded.map((text) => `?after=${text}&${text}=1`),
);

const sockets = fc
  .tuple(
    fc.constantFrom("", "EIO=4&", "EIO=3&", "EIO=4&EIO=3&", "EIO[]=4&"),
    fc.constantFrom("", "transport=websocket", "transport=polling", "transport=webtransport", "transport=__proto__"),
    fc.constantFrom(
      "",
      "&sid=x",
      "&sid=__proto__",
      "&sid=constructor",
      "&sid=a&sid=b",
      "&b64=1",
      "&j=0",
      "&protocol=NaN",
    ),
  )
  .map(([version, transport, rest]) => `/socket.io/?${version}${transport}${rest}`);

const paths = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(encoded, queries).map(([room, query]) => `/rooms/${room}/messages${query}`) },
  { weight: 1, arbitrary: encoded.map((room) => `/rooms/${room}/signals`) },
  { weight: 1, arbitrary: encoded.map((name) => `/admin/users/${name}/disconnect`) },
  { weight: 1, arbitrary: encoded.map((name) => `/admin/rooms/${name}/clear`) },
  { weight: 1, arbitrary: sockets },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      ...[
        "/",
        "//",
        "/..",
        "/../../etc/passwd",
        "*",
        "/%",
        "/healthz",
        "/metrics",
        "/initialize",
        "/pre-stop",
        "/socket.io",
      ],
      ...["http://evil.example/healthz", "/\0", "/ /", "", "evil.example:443", "/rooms", "/rooms/", "/rooms//messages"],
      `/${"x".repeat(9_000)}`,
    ),
  },
);

/** A line of the header each. The platform's own headers are forged: nothing here proves the platform. */
const header = fc.oneof(
  fc.constantFrom(
    ...[
      "X-Fc-Control-Path: /pre-stop",
      "X-Fc-Control-Path: /initialize",
      "x-fc-function-timeout: 1",
      "x-fc-request-id: x",
    ],
    ...[
      "x-fc-access-key-id: forged",
      "X-Forwarded-For: 127.0.0.1",
      "X-Forwarded-Host: evil.example",
      "Forwarded: host=a",
    ],
    ...[
      "Expect: 100-continue",
      "Expect: miracles",
      "Connection: close",
      "Connection: keep-alive, upgrade",
      "Upgrade: h2c",
    ],
    ...["Content-Type: application/json", "Content-Type: text/plain", "Content-Type: ", "Content-Encoding: gzip"],
    ...[
      "Transfer-Encoding: chunked",
      "Transfer-Encoding: chunked, identity",
      "Transfer-Encoding: xchunked",
      "TE: trailers",
    ],
    ...["Content-Length: 0", "Content-Length: -1", "Content-Length: 1e9", "Content-Length: 99999999999999999999"],
    ...["Host: ", "Host: a b", "Host: evil.example", "Origin: null", "Origin: https://evil.example", "Cookie: a=b"],
    ...["Authorization: Bearer", "Authorization: Bearer a.b.c", "Authorization: Basic YTpi", "Authorization: "],
    ...[
      "__proto__: x",
      "constructor: x",
      " folded: x",
      "no colon",
      ": x",
      "na\0me: x",
      "name: \x01",
      "Range: bytes=0-",
    ],
    ...["Accept-Encoding: gzip;q=NaN", "If-None-Match: *", "Sec-WebSocket-Key: short", "Sec-WebSocket-Version: 99"],
  ),
  hostileText.map((text) => `x-text: ${text.slice(0, 1_000)}`),
);

const giantHeaders = fc.constantFrom(
  [`x-long: ${"x".repeat(20_000)}`],
  Array.from({ length: 2_500 }, (_, number) => `x-${number}: 1`),
);

const jsonBody = fc
  .oneof(
    jsonText,
    jsonText.map((json) => `{"id":"abcdefgh","event":"chat:message","data":${json}}`),
    jsonText.map((json) => `{"id":${json},"event":"chat:message","data":{"text":"a"}}`),
    fc.constantFrom("", "{", "[", "nul", "\ufeff{}", "{}{}", "<xml/>", "id=1&event=2"),
  )
  .map((json) => `Content-Length: ${Buffer.byteLength(json)}\r\n\r\n${json}`);

const chunkedBody = fc
  .array(
    fc.constantFrom(
      ...[
        "5\r\nhello\r\n",
        "0\r\n\r\n",
        "zz\r\n",
        "-1\r\nx\r\n",
        "ffffffffffffffff\r\n",
        "5;ext=1\r\nhello\r\n",
        "5\r\nhi\r\n",
      ],
      ...["0\r\nTrailer: x\r\n\r\n", "\r\n", "5 \r\nhello\r\n", "0x5\r\nhello\r\n", `1;${"e".repeat(5_000)}\r\nx\r\n`],
    ),
    { maxLength: 6 },
  )
  .map((chunks) => `Transfer-Encoding: chunked\r\n\r\n${chunks.join("")}`);

const body = fc.oneof(
  { weight: 3, arbitrary: jsonBody },
  { weight: 1, arbitrary: chunkedBody },
  { weight: 1, arbitrary: fc.constant("\r\n") },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "Content-Length: 10\r\n\r\nshort",
      "Content-Length: 3\r\n\r\nlonger",
      "",
      "\r\n\r\n\r\n",
    ),
  },
);

const garbage = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes));

/** The bytes of one request, or of what pretends to be one. `authorization` lets it come as far as its body. */
export function hostileHttp(authorization: string): fc.Arbitrary<Buffer> {
  const headers = seldom(fc.array(header, { maxLength: 3 }), giantHeaders);
  const request = fc
    .tuple(methods, paths, fc.constantFrom("1.1", "1.1", "1.1", "1.0", "0.9", "2.0"), headers, fc.boolean(), body)
    .map(([method, path, version, lines, isAuthorized, rest]) => {
      const known = ["Host: localhost", ...(isAuthorized ? [`Authorization: ${authorization}`] : [])];
      return Buffer.from(`${method} ${path} HTTP/${version}\r\n${[...known, ...lines].join("\r\n")}\r\n${rest}`);
    });
  return fc.oneof({ weight: 20, arbitrary: request }, { weight: 1, arbitrary: garbage });
}
