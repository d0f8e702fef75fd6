/**
 * Engine.IO's packets over WebSocket, without binary data. In a browser's bundle these stand in for engine.io-parser.
 * https://socket.io/docs/v4/engine-io-protocol/
 */
export const protocol = 4;

const types = ["open", "close", "ping", "pong", "message", "upgrade", "noop"];

interface Packet {
  readonly type: string;
  readonly data?: string | undefined;
}

export function encodePacket({ type, data = "" }: Packet, _binary: boolean, tell: (text: string) => void): void {
  tell(`${types.indexOf(type)}${data}`);
}

/** A packet of the type "error", which closes the connection, for what is none. */
export function decodePacket(text: unknown): Packet & { readonly data: string } {
  const type = typeof text === "string" ? types[Number(text.charAt(0) || "x")] : undefined;
  return type === undefined ? { type: "error", data: "parser error" } : { type, data: (text as string).slice(1) };
}
