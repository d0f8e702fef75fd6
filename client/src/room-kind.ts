// Rooms of a kind are named by a pattern: a name, or the beginning of names and a `*`.

const stemOf = (pattern: string) => pattern.replace(/\*$/, "");

export function isOfKind(room: string, pattern: string): boolean {
  return pattern.endsWith("*") ? room.startsWith(stemOf(pattern)) : room === pattern;
}

/** Sorts patterns so that the first one that a room is of decides: the longest, and a name before a beginning. */
export function compareKinds(a: string, b: string): number {
  return stemOf(b).length - stemOf(a).length || a.length - b.length;
}
