import type { Cast } from "../chaos/cast.ts";
import type { Failover } from "./plan-failovers.ts";

interface Absence {
  readonly endsAt: number;
  readonly end: () => void;
  readonly isOver: Promise<boolean>;
}

/** Clients that are away while failovers happen. */
export class Absences implements AsyncDisposable {
  readonly #cast: Cast;
  readonly #byClient = new Map<number, Absence>();

  constructor(cast: Cast) {
    this.#cast = cast;
  }

  /** A client goes, where it is not away already, and comes back when `failovers` more have happened. */
  begin({ client, failovers }: NonNullable<Failover["away"]>, happened: number): void {
    if (this.#byClient.has(client)) return;
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#byClient.set(client, { endsAt: happened + failovers, end, isOver: this.#cast.comeBack(client, ended) });
  }

  /** Lets those come back whose time is over, and waits until they are there. */
  async endDue(happened: number): Promise<void> {
    const due = [...this.#byClient].filter(([, { endsAt }]) => endsAt <= happened);
    for (const [client, { end }] of due) {
      this.#byClient.delete(client);
      end();
    }
    await Promise.all(due.map(([, { isOver }]) => isOver));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.endDue(Number.POSITIVE_INFINITY);
  }
}
