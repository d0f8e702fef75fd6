import type { IncomingMessage, Server, ServerResponse } from "node:http";

type RequestListener = (request: IncomingMessage, response: ServerResponse) => unknown;

/** What a request or a connection is open for: a response, or the socket of an upgrade. */
interface Closing {
  once(event: "close", listener: () => void): unknown;
}

/** Measures the time in which at least one request or connection is under way, which is what Function Compute bills. */
export class UnderWay {
  readonly #nowMs: () => number;
  #open = 0;
  #sinceMs = 0;
  #pastMs = 0;

  /** @param upgrades - where upgrades come from; each is under way until its connection is closed */
  constructor(upgrades: Pick<Server, "prependListener">, nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
    upgrades.prependListener("upgrade", (_request, socket) => this.add(socket));
  }

  /** The same listener of requests, each of which is under way until its answer is closed. */
  counting(listener: RequestListener): RequestListener {
    return (request, response) => {
      this.add(response);
      return listener(request, response);
    };
  }

  /** It is under way until it closes. */
  add(what: Closing): void {
    if (this.#open === 0) this.#sinceMs = this.#nowMs();
    this.#open += 1;
    what.once("close", () => {
      this.#open -= 1;
      if (this.#open === 0) this.#pastMs += this.#nowMs() - this.#sinceMs;
    });
  }

  get seconds(): number {
    return (this.#pastMs + (this.#open === 0 ? 0 : this.#nowMs() - this.#sinceMs)) / 1000;
  }
}
