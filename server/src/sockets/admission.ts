/** Times that one WebSocket may connect to the namespace: again after a disconnection, or after a refusal. */
const connectsPerConnection = 5;
/** Refused attempts after which a WebSocket is closed. */
const refusalsPerConnection = 3;

/**
 * Whether one WebSocket is in the namespace, and how often it may still try. Clients use a WebSocket for one attempt;
 * what is bounded here is what a hostile one can repeat on it: a verified token, a socket in memory, an answer.
 */
export class Admission {
  #state: "outside" | "asking" | "admitted" = "outside";
  #connects = 0;
  #refusals = 0;

  get isAdmitted(): boolean {
    return this.#state === "admitted";
  }

  /** Whether it may ask to be admitted; it may not while it is in, nor while it waits for an answer. */
  ask(): boolean {
    if (this.#state !== "outside" || this.#connects >= connectsPerConnection) return false;
    this.#connects += 1;
    this.#state = "asking";
    return true;
  }

  admit(): void {
    this.#state = "admitted";
  }

  /** Takes note of a refusal, and tells whether it may ask again. */
  refuse(): boolean {
    this.#state = "outside";
    return this.countRefusal();
  }

  /** A refusal by Socket.IO itself, of a namespace that does not exist. */
  countRefusal(): boolean {
    this.#refusals += 1;
    return this.#refusals < refusalsPerConnection;
  }

  leave(): void {
    this.#state = "outside";
  }
}
