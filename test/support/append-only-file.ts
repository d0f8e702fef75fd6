/** A command as Redis wrote it into its append-only file. */
export interface LoggedCommand {
  readonly args: readonly string[];
  /** The file must be at least so long for Redis to carry the command out when it loads it. */
  readonly endByte: number;
}

/**
 * The commands in an append-only file, in their order. What was cut off in the middle, a command or a transaction, is
 * left out, as Redis leaves it out when it loads the file.
 *
 * The file holds requests of the protocol (https://redis.io/docs/latest/develop/reference/protocol-spec/): arrays of
 * bulk strings. What a script wrote stands between MULTI and EXEC.
 */
export function parseAppendOnlyFile(file: Buffer): LoggedCommand[] {
  const commands: LoggedCommand[] = [];
  let transaction: (readonly string[])[] | undefined;
  const reader = new RequestReader(file);
  for (let args = reader.next(); args !== undefined; args = reader.next()) {
    const name = args[0]?.toUpperCase();
    if (name === "MULTI") transaction = [];
    else if (name === "EXEC") {
      for (const inside of transaction ?? []) commands.push({ args: inside, endByte: reader.offset });
      transaction = undefined;
    } else if (transaction !== undefined) transaction.push(args);
    else commands.push({ args, endByte: reader.offset });
  }
  return commands;
}

class RequestReader {
  /** Behind the last whole request. */
  offset = 0;
  readonly #file: Buffer;
  #at = 0;

  constructor(file: Buffer) {
    this.#file = file;
  }

  /** The next request, or undefined where the file ends or is cut off. */
  next(): string[] | undefined {
    const count = this.#number("*");
    if (count === undefined) return undefined;
    const args: string[] = [];
    for (let index = 0; index < count; index += 1) {
      const length = this.#number("$");
      if (length === undefined || this.#at + length + 2 > this.#file.length) return undefined;
      args.push(this.#file.toString("utf8", this.#at, this.#at + length));
      this.#at += length + 2;
    }
    this.offset = this.#at;
    return args;
  }

  #number(sign: string): number | undefined {
    const end = this.#file.indexOf("\r\n", this.#at);
    if (end === -1) return undefined;
    const line = this.#file.toString("latin1", this.#at, end);
    if (!line.startsWith(sign)) throw new Error(`expected "${sign}" at byte ${this.#at}, got "${line.slice(0, 40)}"`);
    this.#at = end + 2;
    return Number(line.slice(1));
  }
}

/** What an XADD with an explicit id added to a stream. */
export interface AddedEntry {
  readonly key: string;
  readonly id: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** The entry that a command added to a stream; undefined for every other command. */
export function addedEntry([name, key, ...rest]: readonly string[]): AddedEntry | undefined {
  if (name?.toUpperCase() !== "XADD" || key === undefined) return undefined;
  const [id, ...pairs] = withoutOptions(rest);
  if (id === undefined) return undefined;
  const fields = pairs.flatMap((field, index) => (index % 2 === 0 ? [[field, pairs[index + 1] ?? ""] as const] : []));
  return { key, id, fields: Object.fromEntries(fields) };
}

/** XADD key [NOMKSTREAM] [MAXLEN | MINID [= | ~] threshold [LIMIT count]] id field value … */
function withoutOptions(args: readonly string[]): readonly string[] {
  const isWord = (at: number, ...words: string[]) => words.includes(args[at]?.toUpperCase() ?? "");
  let at = 0;
  if (isWord(at, "NOMKSTREAM")) at += 1;
  if (isWord(at, "MAXLEN", "MINID")) {
    at += isWord(at + 1, "=", "~") ? 3 : 2;
    if (isWord(at, "LIMIT")) at += 2;
  }
  return args.slice(at);
}
