/** What each value of a payload counts for beside its text. */
const bytesPerValue = 8;

/**
 * About how large a request was: its texts and its number of values. Socket.IO does not tell the size of a packet with its
 * event, and to encode it again would cost more than this. It does not recurse: what came may be nested as deeply as a
 * packet is long.
 */
export function incomingBytes(payloads: readonly unknown[]): number {
  const values: unknown[] = [...payloads];
  let bytes = 0;
  while (values.length > 0) {
    const value = values.pop();
    bytes += bytesPerValue;
    if (typeof value === "string") bytes += value.length;
    else if (ArrayBuffer.isView(value)) bytes += value.byteLength;
    else if (Array.isArray(value)) for (const member of value) values.push(member);
    else if (typeof value === "object" && value !== null) {
      for (const [key, member] of Object.entries(value)) {
        bytes += key.length;
        values.push(member);
      }
    }
  }
  return bytes;
}
