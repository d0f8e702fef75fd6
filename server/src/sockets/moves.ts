import type { MoveReason } from "../telemetry/events.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";

type Told = Pick<Telemetry, "connectionExpiring" | "connectionMoved">;

const watched = new WeakMap<object, ConnectionMove>();

/** What becomes of a connection that is told to move. */
export class ConnectionMove {
  readonly #connection: string;
  readonly #telemetry: Told;
  #asked: MoveReason | undefined;

  constructor(socket: { readonly id: string }, telemetry: Told) {
    this.#connection = socket.id;
    this.#telemetry = telemetry;
    watched.set(socket, this);
  }

  asked(reason: MoveReason): void {
    this.#asked = reason;
    this.#telemetry.connectionExpiring(this.#connection, reason);
  }

  /** The client has given a fresh token, so that it need not move for the end of the old one. */
  renewed(): void {
    if (this.#asked === "token") this.#settle("renewed");
  }

  /** @param byClient - whether the client has left it, as it does when it has moved */
  ended(byClient: boolean): void {
    this.#settle(byClient ? "moved" : "cut");
  }

  #settle(outcome: "moved" | "renewed" | "cut"): void {
    if (this.#asked === undefined) return;
    this.#telemetry.connectionMoved(this.#connection, this.#asked, outcome);
    this.#asked = undefined;
  }
}

/** A socket was told that its connection will end. */
export function noteExpiring(socket: object, reason: MoveReason): void {
  watched.get(socket)?.asked(reason);
}
