/** What is attacked, and what an attacker of it has. */
export interface Victim {
  readonly url: string;
  /** Signs the tokens that the victim believes. */
  readonly secret: string;
  /** A good token of a user who may write in the rooms that are attacked: much is refused before it is read, without one. */
  readonly token: string;
}

export interface Outcome {
  /** Inputs that have reached the server, one at a time. */
  readonly inputs: number;
  /** What the server must not have done. */
  readonly problems: readonly string[];
}

/** One kind of attack, in batches that can be repeated. */
export interface Attack {
  readonly kind: string;
  /** Sends the batch of a seed, and resolves when the server has dealt with all of it. */
  run(victim: Victim, seed: number): Promise<Outcome>;
}

/** How long the server may take for anything: within it an answer comes, or the connection ends. */
export const HANG_MS = 20_000;

/** An input as a problem shows it. */
export function shown(input: unknown): string {
  const text = typeof input === "string" ? input : Buffer.isBuffer(input) ? input.toString("latin1") : String(input);
  return JSON.stringify(text.length > 300 ? `${text.slice(0, 300)}… (${text.length})` : text);
}
