// What a bench's messages say: who published them, which number of his they are, and when. It is read from the text of
// a packet, so that hundreds of members in one process spend no time on JSON.

const MARKER = '"text":"';
const DIGIT_ZERO = 0x30;
const DIGIT_NINE = 0x39;

export interface Stamp {
  readonly publisher: number;
  /** 0, 1, 2, … of this publisher. */
  readonly number: number;
  /** Milliseconds of `Date.now()` when the publisher sent it. */
  readonly sentAtMs: number;
}

/** The text of a message of about 80 characters, as people in a chat write them. */
export function stampText({ publisher, number, sentAtMs }: Stamp): string {
  return `${publisher}/${number}/${sentAtMs}/`.padEnd(80, "lorem ipsum ");
}

/** The stamp of a text; NaN in every field of one that is not ours. */
export function readStamp(text: string): Stamp {
  const [publisher, number, sentAtMs] = text.split("/", 3).map(Number);
  return { publisher: publisher ?? Number.NaN, number: number ?? Number.NaN, sentAtMs: sentAtMs ?? Number.NaN };
}

/** Calls back for every stamped message of a packet, in their order, and tells how many there were. */
export function readStamps(
  packet: string,
  take: (publisher: number, number: number, sentAtMs: number) => void,
): number {
  let found = 0;
  for (let at = packet.indexOf(MARKER); at !== -1; at = packet.indexOf(MARKER, at)) {
    const publisher = readDigits(packet, at + MARKER.length);
    const number = readDigits(packet, publisher.end + 1);
    const sentAtMs = readDigits(packet, number.end + 1);
    take(publisher.value, number.value, sentAtMs.value);
    found += 1;
    at = sentAtMs.end;
  }
  return found;
}

function readDigits(text: string, from: number): { value: number; end: number } {
  let value = 0;
  let end = from;
  for (let code = text.charCodeAt(end); code >= DIGIT_ZERO && code <= DIGIT_NINE; code = text.charCodeAt(end)) {
    value = value * 10 + code - DIGIT_ZERO;
    end += 1;
  }
  return { value, end };
}
