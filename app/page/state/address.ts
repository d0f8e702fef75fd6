/** What the page's address says: `?name=ann#lobby`. */
export interface Address {
  readonly room: string;
  readonly name: string | undefined;
}

const longestName = 64;
const longestRoom = 128;

export function readAddress(href: string): Address {
  const { hash, searchParams } = new URL(href);
  return { room: roomName(decoded(hash.slice(1))) || "lobby", name: personName(searchParams.get("name")) };
}

/** A name that the server takes for a room: what it does not allow becomes a dash. */
export function roomName(text: string): string {
  return text
    .trim()
    .replace(/^#/, "")
    .replace(/[^A-Za-z0-9_.:@-]+/g, "-")
    .slice(0, longestRoom);
}

export function personName(text: string | null): string | undefined {
  return text?.trim().slice(0, longestName).trim() || undefined;
}

/** A percent sign that begins no escape is a percent sign. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
