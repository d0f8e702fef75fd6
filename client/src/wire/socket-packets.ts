/**
 * Socket.IO's packets as a Holdfast server speaks them, which refuses binary data. In a browser's bundle these stand in for
 * socket.io-parser, a tenth of whose code is enough for them. https://socket.io/docs/v4/socket-io-protocol/
 */
export const protocol = 5;

export const PacketType = { CONNECT: 0, DISCONNECT: 1, EVENT: 2, ACK: 3, CONNECT_ERROR: 4 } as const;

interface Packet {
  readonly type: number;
  readonly nsp: string;
  readonly id?: number | undefined;
  readonly data?: unknown;
}

const layout = /^([0-4])(?:(\/[^,]*),)?(\d*)(.*)$/s;

export class Encoder {
  /** Throws a TypeError for what JSON cannot hold, binary data included. */
  encode({ type, nsp, id, data }: Packet): [string] {
    const namespace = nsp === "/" ? "" : `${nsp},`;
    return [`${type}${namespace}${id ?? ""}${data == null ? "" : JSON.stringify(data, withoutBinary)}`];
  }
}

export class Decoder {
  #tell: ((packet: Packet) => void) | undefined;

  on(_event: "decoded", tell: (packet: Packet) => void): void {
    this.#tell = tell;
  }

  off(): void {
    this.#tell = undefined;
  }

  destroy(): void {}

  /** Throws for what is no packet, which closes the connection. */
  add(text: unknown): void {
    const [, type, nsp = "/", id, json] = layout.exec(text as string) ?? [];
    if (typeof text !== "string" || type === undefined) throw new Error("no packet");
    const data: unknown = json === "" ? undefined : JSON.parse(json as string);
    const packet = { type: Number(type), nsp, id: id === "" ? undefined : Number(id), data };
    if (!mayHold(packet)) throw new Error("invalid payload");
    this.#tell?.(packet);
  }
}

function mayHold({ type, data }: Packet): boolean {
  if (type === PacketType.EVENT) return Array.isArray(data) && typeof data[0] === "string";
  if (type === PacketType.ACK) return Array.isArray(data);
  if (type === PacketType.DISCONNECT) return data === undefined;
  return typeof data === "object" || (type === PacketType.CONNECT_ERROR && typeof data === "string");
}

function withoutBinary(_name: string, value: unknown): unknown {
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value) || value instanceof Blob) {
    throw new TypeError("binary data is no JSON");
  }
  return value;
}
