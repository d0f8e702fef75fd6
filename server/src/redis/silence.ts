/** How long a connection may owe every answer before it counts as silent. */
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
 * Knows which of several connections no longer answer. What is sent to a master that has stopped would be carried out
 * when it goes on, long after its sender was told that it failed; and a connection that is written to never counts as
 * idle, so that its socket would not be given up.
 */
export class SilenceDetector {
  readonly #debts = new WeakMap<Connection, Debt>();

  /** Runs a command of this connection. Throws at once, without running it, while the connection is silent. */
  async expect<Reply>(connection: Connection, command: () => Promise<Reply>): Promise<Reply> {
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
