/** How long a connection may owe every answer before it is taken for silent. */
const silentAfterMs = 1_000;

interface Debt {
  /** Commands that were sent and not answered. */
  unanswered: number;
  /** When the last answer came, or the first of the unanswered commands was sent. */
  sinceMs: number;
  ping: Promise<unknown> | undefined;
}

interface Connection {
  ping(): Promise<unknown>;
}

/**
 * Knows which of several connections no longer answer, so that nothing more is sent to those. A stopped master carries
 * out what it has received once it goes on, although it was reported to the sender as failed. And node-redis closes only idle
 * sockets, so writing to a silent one would keep it open.
 */
export class SilenceDetector {
  readonly #debts = new WeakMap<Connection, Debt>();

  /** Runs a command of this connection. Throws at once, without running it, while the connection is silent. */
  async run<Reply>(connection: Connection, command: () => Promise<Reply>): Promise<Reply> {
    const debt = this.#debtOf(connection);
    if (debt.unanswered > 0 && performance.now() - debt.sinceMs > silentAfterMs) {
      throw new Error("the master of this slot does not answer");
    }
    return this.#count(debt, command);
  }

  /** Asks for a sign of life. There is one question at a time; a caller that asks meanwhile shares its answer. */
  ping(connection: Connection): Promise<unknown> {
    const debt = this.#debtOf(connection);
    debt.ping ??= this.#count(debt, () => connection.ping()).finally(() => {
      debt.ping = undefined;
    });
    return debt.ping;
  }

  #debtOf(connection: Connection): Debt {
    const known = this.#debts.get(connection);
    if (known !== undefined) return known;
    const debt: Debt = { unanswered: 0, sinceMs: 0, ping: undefined };
    this.#debts.set(connection, debt);
    return debt;
  }

  async #count<Reply>(debt: Debt, command: () => Promise<Reply>): Promise<Reply> {
    if (debt.unanswered === 0) debt.sinceMs = performance.now();
    debt.unanswered += 1;
    try {
      return await command();
    } finally {
      debt.unanswered -= 1;
      debt.sinceMs = performance.now();
    }
  }
}
