import * as stockEngine from "engine.io-parser";
import fc from "fast-check";
import * as stock from "socket.io-parser";
import { describe, expect, test } from "vitest";
import { decodePacket, encodePacket, protocol as engineProtocol } from "../../../client/src/wire/engine-packets.ts";
import { Decoder, Encoder, PacketType, protocol } from "../../../client/src/wire/socket-packets.ts";

// What stands in for Socket.IO's parsers in a browser's bundle is held against these.

type Packet = Parameters<Encoder["encode"]>[0];

const id = fc.option(fc.nat(), { nil: undefined });
const nsp = fc.constantFrom("/", "/other");
const object = fc.dictionary(fc.string(), fc.jsonValue());
const list = fc.tuple(
  fc.string().map((name) => `event ${name}`),
  fc.jsonValue(),
  fc.string({ unit: "binary" }),
);
const packets: fc.Arbitrary<Packet> = fc.oneof(
  fc.record({ type: fc.constant(PacketType.CONNECT), nsp, data: object }),
  fc.record({ type: fc.constant(PacketType.DISCONNECT), nsp }),
  fc.record({ type: fc.constant(PacketType.EVENT), nsp, id, data: list }),
  fc.record({ type: fc.constant(PacketType.ACK), nsp, id: fc.nat(), data: fc.array(fc.jsonValue()) }),
  fc.record({ type: fc.constant(PacketType.CONNECT_ERROR), nsp, data: fc.oneof(fc.string(), object) }),
);

/** What a decoder tells of a text, or what it throws. */
function decoded(
  decoder: { on(event: "decoded", tell: (packet: Packet) => void): unknown; add(text: string): void },
  text: string,
) {
  const told: unknown[] = [];
  decoder.on("decoded", (packet) => told.push(JSON.parse(JSON.stringify(packet))));
  try {
    decoder.add(text);
  } catch {
    return "refused";
  }
  return told;
}

describe("Socket.IO's packets in a browser", () => {
  test("are the same texts as socket.io-parser's, and are read as the same packets", () => {
    expect(protocol).toBe(stock.protocol);
    expect(stock.PacketType).toMatchObject(PacketType);
    fc.assert(
      fc.property(packets, (packet) => {
        const [text] = new Encoder().encode(packet);
        expect([text]).toEqual(new stock.Encoder().encode(packet as stock.Packet));
        expect(decoded(new Decoder(), text)).toEqual(decoded(new stock.Decoder(), text));
      }),
    );
  });

  test.each([
    ["an unknown type", "9[]"],
    ["nothing", ""],
    ["a list that is cut", '2["a"'],
    ["an event without a name", "2[]"],
    ["an event that is no list", '2{"a":1}'],
    ["an acknowledgement that is no list", '31{"a":1}'],
    ["an acknowledgement without content", "31"],
    ["a connection that is no object", "0true"],
    ["the end of a connection with content", "1[]"],
    ["a refusal that is a number", "41"],
    ["a binary event", '51-["a",{"_placeholder":true,"num":0}]'],
  ])("%s is refused", (_what, text) => {
    expect(decoded(new Decoder(), text)).toBe("refused");
  });

  test("a packet in bytes is refused", () => {
    expect(() => new Decoder().add(new ArrayBuffer(3))).toThrow("no packet");
  });

  test.each([
    ["a buffer", new ArrayBuffer(3)],
    ["a view of one", new Uint8Array(3)],
    ["a blob", new Blob(["x"])],
    ["a big integer", 3n],
    ["a cycle", cycle()],
  ])("%s in a payload is no JSON", (_what, value) => {
    const data = ["message:publish", { data: { deep: [value] } }];
    expect(() => new Encoder().encode({ type: PacketType.EVENT, nsp: "/", data })).toThrow(TypeError);
  });

  test("a decoder whose connection is over tells nothing more", () => {
    const told: unknown[] = [];
    const decoder = new Decoder();
    decoder.on("decoded", (packet) => told.push(packet));
    decoder.off();
    decoder.destroy();
    decoder.add('2["a"]');
    expect(told).toEqual([]);
  });
});

describe("Engine.IO's packets in a browser", () => {
  const types = ["open", "close", "ping", "pong", "message", "upgrade", "noop"] as const;

  test("are the same texts as engine.io-parser's, and are read as the same packets", () => {
    expect(engineProtocol).toBe(stockEngine.protocol);
    fc.assert(
      fc.property(fc.constantFrom(...types), fc.string({ unit: "binary" }), (type, data) => {
        const texts: string[] = [];
        encodePacket({ type, data }, true, (text) => texts.push(text));
        stockEngine.encodePacket({ type, data }, true, (text) => texts.push(text));
        const [own = "", theirs] = texts;
        expect(own).toBe(theirs);
        expect(decodePacket(own)).toMatchObject({ type, data });
      }),
    );
    encodePacket({ type: "pong" }, true, (text) => expect(text).toBe("3"));
  });

  test.each([
    ["nothing", ""],
    ["an unknown type", "7"],
    ["a letter", "bAAAA"],
    ["bytes", new ArrayBuffer(3)],
  ])("%s is an error, which closes the connection", (_what, data) =>
    expect(decodePacket(data)).toEqual({ type: "error", data: "parser error" }),
  );
});

function cycle(): unknown[] {
  const list: unknown[] = [];
  list.push(list);
  return list;
}
