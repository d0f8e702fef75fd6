import type { Logger } from "pino";

/**
 * The log of one connection: each line has the same fields. Most connections never log anything, so what writes these
 * lines is made with the first one.
 */
export class ConnectionLogger {
  readonly #logger: Logger;
  readonly #fields: object;
  #own: Logger | undefined;

  constructor(logger: Logger, fields: object) {
    this.#logger = logger;
    this.#fields = fields;
  }

  debug(fields: object, message: string): void {
    if (this.#logger.isLevelEnabled("debug")) this.#withFields().debug(fields, message);
  }

  warn(fields: object, message: string): void {
    this.#withFields().warn(fields, message);
  }

  error(fields: object, message: string): void {
    this.#withFields().error(fields, message);
  }

  #withFields(): Logger {
    this.#own ??= this.#logger.child(this.#fields);
    return this.#own;
  }
}
