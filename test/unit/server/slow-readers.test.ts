import { EventEmitter } from "node:events";
import { pino } from "pino";
import { expect, test } from "vitest";
import type { EngineConnection, OutgoingPacket } from "../../../server/src/sockets/engine-connection.ts";
import { cutSlowReader } from "../../../server/src/sockets/slow-readers.ts";

class Connection extends EventEmitter implements EngineConnection {
  readonly readyState = "open";
  readonly writeBuffer: OutgoingPacket[] = Array.from({ length: 1_000 }, () => ({ data: "waits" }));
  readonly waitingAtTheEnd: number[] = [];
  readonly transport = {
    writable: false,
    socket: {
      bufferedAmount: 0,
      terminate: () => void this.waitingAtTheEnd.push(this.writeBuffer.length),
      on: () => undefined,
    },
  };

  close(): void {}

  sendPacket(): void {}
}

test("what waits for a connection that is cut is dropped before its end, and it is cut once", () => {
  const connection = new Connection();
  const parts = { logger: pino({ level: "silent" }), telemetry: { connectionCut: () => undefined } };
  const limitBytes = 8 * 1024 * 1024;
  cutSlowReader(connection, limitBytes, parts);
  expect(connection.waitingAtTheEnd).toEqual([]);
  cutSlowReader(connection, limitBytes + 1, parts);
  cutSlowReader(connection, limitBytes + 1, parts);
  expect(connection.waitingAtTheEnd).toEqual([0]);
});
