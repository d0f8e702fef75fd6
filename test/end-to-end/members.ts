import { type ChatClient, type ChatRoom, connectChat } from "../support/chat.ts";
import { askData, opened, type StockSocket, stockSocket } from "../support/stock-client.ts";
import { GapWatch } from "./gap-watch.ts";

/** In the URL of every stock client, so that the gateway's events tell whose connection they are about. */
export const stockMark = "client=stock";

/** A member of the room who writes down what is delivered. */
abstract class Member {
  /** Positions in the order of their delivery. */
  readonly positions: string[] = [];
  readonly gaps = new GapWatch();
  /** Moves of the package's client, cuts of the stock client. */
  interruptions = 0;

  has(position: string): boolean {
    return this.positions.at(-1) === position;
  }

  /** Watches the time without a delivery for as long as after an interruption, without one. */
  sample(): void {
    this.gaps.begin();
    this.gaps.end(performance.now());
  }

  protected took(position: string): void {
    this.positions.push(position);
    this.gaps.delivered(performance.now());
  }

  protected interrupted(): void {
    this.interruptions += 1;
    this.gaps.begin();
  }
}

/** A client of the package. */
export class PackageMember extends Member {
  /** How often it said that continuity could not be proven. */
  gapEvents = 0;
  /** How often it was without a connection. */
  disconnections = 0;
  readonly #client: ChatClient;
  readonly #room: ChatRoom;
  #isMoving = false;

  constructor(url: string, room: string) {
    super();
    this.#client = connectChat(url);
    this.#client.on("status", (status) => {
      if (status === "reconnecting") this.disconnections += 1;
      if (status === "moving") this.interrupted();
      else if (this.#isMoving) this.gaps.end(performance.now());
      this.#isMoving = status === "moving";
    });
    this.#room = this.#client.join(room);
    this.#room.on("message", ({ position }) => this.took(position));
    this.#room.on("gap", () => {
      this.gapEvents += 1;
    });
  }

  get ready(): Promise<void> {
    return this.#room.ready;
  }

  /** Moves that are over. */
  get moves(): number {
    return this.interruptions - (this.#isMoving ? 1 : 0);
  }

  async publish(text: string): Promise<void> {
    await this.#room.publish("chat:message", { text });
  }
}

/** What an application makes of socket.io-client alone: it comes back by itself and joins again. */
export class StockMember extends Member {
  readonly ready: Promise<void>;
  readonly #socket: StockSocket;

  constructor(url: string, room: string) {
    super();
    const [name = "", value = ""] = stockMark.split("=");
    this.#socket = stockSocket(url, { socket: { query: { [name]: value } } });
    this.#socket.on("message:published", ({ messages }) => {
      for (const { position } of messages) this.took(position);
    });
    this.#socket.on("disconnect", () => this.interrupted());
    this.ready = opened(this.#socket).then(() => this.#join(room));
    this.#socket.io.on("reconnect", () => {
      // Without an answer it is cut again, and the next reconnection joins.
      this.#join(room).catch((error: unknown) => console.error(`a stock client could not join: ${String(error)}`));
    });
  }

  async #join(room: string): Promise<void> {
    await askData(this.#socket, "room:join", { room });
    this.gaps.end(performance.now());
  }
}
