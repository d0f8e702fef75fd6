/**
 * About 25 characters of a-z 0-9 that carry 128 random bits: as a message's id nobody can guess it, and so nobody can
 * have another's message taken for a repeat. `crypto.randomUUID` would be shorter but exists in secure contexts only.
 */
export function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (number) => number.toString(36)).join("");
}
