const finAndText = 0x81;
/** Set where the payload is deflated: RSV1, https://www.rfc-editor.org/rfc/rfc7692#section-6 */
const deflatedBit = 0x40;
const shortPayloadBytes = 125;
const mediumPayloadBytes = 65_535;

/**
 * An unmasked WebSocket text frame whose payload is to be written into it, and where that begins: FIN and opcode 1, the
 * length in 7, 16 or 64 bits. https://www.rfc-editor.org/rfc/rfc6455#section-5.2
 */
export function textFrame(
  payloadBytes: number,
  isDeflated = false,
): { readonly frame: Buffer; readonly payloadAt: number } {
  const payloadAt = payloadBytes <= shortPayloadBytes ? 2 : payloadBytes <= mediumPayloadBytes ? 4 : 10;
  const frame = Buffer.allocUnsafe(payloadAt + payloadBytes);
  frame[0] = isDeflated ? finAndText | deflatedBit : finAndText;
  if (payloadAt === 2) frame[1] = payloadBytes;
  else if (payloadAt === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(payloadBytes, 2);
  } else {
    frame[1] = 127;
    frame.writeUInt32BE(0, 2);
    frame.writeUInt32BE(payloadBytes, 6);
  }
  return { frame, payloadAt };
}
