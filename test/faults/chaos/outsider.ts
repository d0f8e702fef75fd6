import { setTimeout as delay } from "node:timers/promises";
import { pick, type Random, randomInteger } from "../../support/random.ts";
import { ask, connectStock, type StockSocket } from "../../support/stock-client.ts";
import { messageId } from "../../support/unique.ts";
import type { Outcome, Publish } from "./history.ts";

const RETRY_MS = 30;
const LONGEST_PAUSE_MS = 60;

/**
 * Publishes into rooms without being in them, as back ends do: the instance that it uses may know nothing of a room but
 * what it appends for it.
 */
export class Outsider implements Disposable {
  readonly publishes: Publish[] = [];
  readonly #name: string;
  readonly #socket: StockSocket;

  constructor(name: string, socket: StockSocket) {
    this.#name = name;
    this.#socket = socket;
  }

  static async connect(name: string, url: string): Promise<Outsider> {
    const socket = { reconnectionDelay: 50, reconnectionDelayMax: 100, timeout: 5_000 };
    return new Outsider(name, await connectStock(url, { socket }));
  }

  /** One message after the other, each until it is acknowledged. */
  async publishUntil(signal: AbortSignal, rooms: readonly string[], random: Random): Promise<void> {
    while (!signal.aborted) {
      const room = pick(random, rooms);
      if (room !== undefined) await this.#publish(room);
      await delay(randomInteger(random, 0, LONGEST_PAUSE_MS), undefined, { signal }).catch(() => undefined);
    }
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }

  async #publish(room: string): Promise<void> {
    const text = `${this.#name}/${room}/${this.publishes.length}`;
    const index = this.publishes.push({ client: this.#name, room, text, outcome: { kind: "pending" } }) - 1;
    const payload = { room, id: messageId(), event: "chat:message", data: { text } };
    let outcome: Outcome = { kind: "pending" };
    while (outcome.kind === "pending") {
      const answer = await ask(this.#socket, "message:publish", payload).catch(() => undefined);
      if (answer?.ok) outcome = { kind: "acknowledged", position: answer.data.position, atMs: performance.now() };
      else if (answer?.error.retryable === false) outcome = { kind: "rejected", code: answer.error.code };
      else await delay(RETRY_MS);
    }
    this.publishes[index] = { client: this.#name, room, text, outcome };
  }
}
