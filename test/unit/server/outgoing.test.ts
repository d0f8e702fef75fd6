import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import type { EngineConnection, OutgoingPacket } from "../../../server/src/sockets/engine-connection.ts";
import { Outgoing } from "../../../server/src/sockets/outgoing.ts";

const overheadBytes = 256;

/** An Engine.IO connection whose WebSocket takes nothing while it is not writable. */
class Connection extends EventEmitter implements EngineConnection {
  readonly readyState = "open";
  writeBuffer: OutgoingPacket[] = [];
  readonly transport = {
    writable: true,
    socket: { bufferedAmount: 0, terminate: () => undefined, on: () => undefined },
  };

  close(): void {}

  sendPacket(): void {}

  write(packet: OutgoingPacket): void {
    this.emit("packetCreate", packet);
    if (!this.transport.writable) this.writeBuffer.push(packet);
  }
}

function watched() {
  const connection = new Connection();
  const reports: number[] = [];
  const outgoing = new Outgoing(connection, (waitingBytes) => reports.push(waitingBytes));
  return { connection, outgoing, reports };
}

test("nothing waits while the WebSocket takes everything", () => {
  const { connection, outgoing, reports } = watched();
  for (let index = 0; index < 10; index += 1) connection.write({ data: "x".repeat(1000) });
  expect(outgoing.waitingBytes).toBe(0);
  expect(reports).toEqual([]);
});

test("what the WebSocket has not sent and what has not reached it both wait", () => {
  const { connection, outgoing, reports } = watched();
  connection.transport.writable = false;
  connection.transport.socket.bufferedAmount = 5_000;
  connection.write({ data: "x".repeat(1000) });
  connection.write({ data: "", options: { wsPreEncodedFrame: [Buffer.alloc(4), Buffer.alloc(2_000)] } });
  const first = 5_000 + 1000 + overheadBytes;
  expect(reports).toEqual([first, first + 2_004 + overheadBytes]);
  expect(outgoing.waitingBytes).toBe(first + 2_004 + overheadBytes);
});

test("what was flushed since counts no more", () => {
  const { connection, outgoing } = watched();
  connection.transport.writable = false;
  connection.write({ data: "x".repeat(1000) });
  connection.writeBuffer = [];
  expect(outgoing.waitingBytes).toBe(0);
  connection.write({ data: "y" });
  expect(outgoing.waitingBytes).toBe(1 + overheadBytes);
});

test("a text counts with the larger of its size in memory and its size as UTF-8", () => {
  const { connection, outgoing } = watched();
  connection.transport.writable = false;
  connection.write({ data: "好".repeat(1000) });
  expect(outgoing.waitingBytes).toBe(3_000 + overheadBytes);
  connection.writeBuffer = [];
  // One character that needs two bytes makes all of them take two.
  connection.write({ data: `${"x".repeat(999)}好` });
  expect(outgoing.waitingBytes).toBe(2_000 + overheadBytes);
});

test("what is written within a measurement is measured, and nothing else", () => {
  const { connection, outgoing } = watched();
  connection.write({ data: "before" });
  expect(outgoing.measure(() => connection.write({ data: "x".repeat(1000) }))).toBe(1000);
  expect(outgoing.measure(() => undefined)).toBe(0);
});
