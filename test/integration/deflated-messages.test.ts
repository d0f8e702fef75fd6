import { constants, deflateRawSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { limits } from "../../client/src/protocol/limits.ts";
import { faultsOf, type Instances, startInstances } from "../support/instances.ts";
import { connectPacket } from "../support/raw-engine.ts";
import { frame, opcodes, openFrames, type RawFrames } from "../support/raw-frames.ts";
import { connectRaw } from "../support/raw-websocket.ts";
import { waitFor, withTimeout } from "../support/wait.ts";

// What clients send deflated, where the server has agreed to it.

const offer = "permessage-deflate";

let instances: Instances;

beforeAll(async () => {
  instances = await startInstances(1, { env: { COMPRESS_FROM_BYTES: "300" } });
});

afterAll(async () => {
  const faults = instances.servers.flatMap(faultsOf);
  await instances[Symbol.asyncDispose]();
  expect(faults).toEqual([]);
});

async function admit(raw: RawFrames): Promise<void> {
  await raw.write(deflatedText(connectPacket()));
  await waitFor(() => raw.texts("text").some((text) => text.startsWith("40{")), "the connection to the namespace");
}

/** The code of the close frame with which the server ended the connection. */
function closeCodeOf(raw: RawFrames): number | undefined {
  return raw.frames.find(({ kind }) => kind === "close")?.payload.readUInt16BE(0);
}

/** A text frame with RSV1. */
function deflatedText(text: string | Buffer): Buffer {
  const payload = deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
  return frame({ opcode: opcodes.text, payload, reserved: 4 });
}

test("a deflated message within the limit of a packet is read, be it in many frames or many in the same bytes", async () => {
  using raw = await openFrames(instances.url(0), undefined, offer);
  await admit(raw);
  await raw.write(deflatedText(`420["echo","${"x".repeat(limits.packetBytes - 100)}"]`));
  await waitFor(() => raw.texts("text").some((text) => text.startsWith("430[")), "the answer to the longest packet");
  await raw.write(Buffer.concat(Array.from({ length: 900 }, (_, index) => deflatedText(`42${index + 1}["echo",1]`))));
  await raw.sees("text", '43900[{"ok":true,"data":1}]');
  const payload = deflateRawSync('42901["echo",2]', { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
  const fragments = [...payload].map((byte, index) =>
    frame({
      opcode: index === 0 ? opcodes.text : opcodes.continuation,
      payload: Buffer.from([byte]),
      reserved: index === 0 ? 4 : 0,
      fin: index === payload.length - 1,
    }),
  );
  await raw.write(Buffer.concat(fragments));
  await raw.sees("text", '43901[{"ok":true,"data":2}]');
});

test.each([
  ["a message that becomes longer than a packet may be", () => deflatedText(Buffer.alloc(64 * 2 ** 20, "x")), 1009],
  [
    "bytes that are no deflated message",
    () => frame({ opcode: opcodes.text, payload: Buffer.from("no"), reserved: 4 }),
    1007,
  ],
])("%s closes its connection, and no other", async (_, bytes, code) => {
  using other = await connectRaw(instances.url(0), { deflates: true });
  for (const isAdmitted of [true, false]) {
    using raw = await openFrames(instances.url(0), undefined, offer);
    if (isAdmitted) await admit(raw);
    await raw.write(bytes());
    await withTimeout(raw.closed, "the server to close the connection", 5_000);
    expect(closeCodeOf(raw)).toBe(code);
    expect(await other.request("echo", "x".repeat(1_000))).toEqual({ ok: true, data: "x".repeat(1_000) });
  }
});
