import { comparePositions, limits, type Message, type Page, type Position, START } from "@holdfast/client/protocol";
import { roomKeys } from "../redis/keys.ts";
import type { RedisLink } from "../redis/link.ts";
import { runScript, script } from "../redis/scripts.ts";
import appendSource from "./append.lua";
import { AppendedPositions } from "./appended-positions.ts";
import { publishedFrame } from "./frame.ts";
import { type Draft, GroupCommit, type Outcome } from "./group-commit.ts";
import readSource from "./read.lua";
import type { SeenPositions } from "./seen-positions.ts";
import { SharedReads } from "./shared-reads.ts";

export interface RoomLogOptions {
  readonly link: RedisLink;
  readonly keyPrefix: string;
  readonly historyMaxMessages: number;
  readonly historyTtlSeconds: number;
  readonly publishDedupSeconds: number;
  /** The newest positions that this instance has seen delivered, by room. */
  readonly seen: SeenPositions;
}

/** Which part of a log to read. Without `after` and `before` it is the newest part. */
export interface PageRequest {
  readonly after?: Position;
  readonly before?: Position;
  /** Messages at most; 0 asks for the newest position alone. */
  readonly limit: number;
  /** True where an `after` that the log does not reach counts as proof that the log has lost writes. */
  readonly isWitness?: boolean;
}

const appendScript = script(appendSource);
const readScript = script(readSource);

/** The logs of all rooms: appending is broadcasting, reading proves continuity. */
export class RoomLog {
  readonly #options: RoomLogOptions;
  readonly #commits = new GroupCommit((room, batch) => this.#append(room, batch));
  readonly #reads = new SharedReads<Page>();
  readonly #appended = new AppendedPositions();

  constructor(options: RoomLogOptions) {
    this.#options = options;
  }

  /** Connects and loads the scripts, so that the first request waits for neither. Throws UNAVAILABLE. */
  async warmUp(): Promise<void> {
    const { link } = this.#options;
    await Promise.all([appendScript, readScript].map(({ source }) => link.run((client) => client.scriptLoad(source))));
  }

  /** Appends a message and broadcasts it in the same step. Throws UNAVAILABLE, where it may be stored all the same. */
  append(room: string, draft: Draft): Promise<Outcome> {
    return this.#commits.submit(room, draft);
  }

  /** Reads one page. Identical reads that are asked for while one waits to start share it. Throws UNAVAILABLE. */
  read(room: string, request: PageRequest): Promise<Page> {
    const { after = "", before = "", limit, isWitness = false } = request;
    return this.#reads.share(`${room} ${after} ${before} ${limit} ${isWitness}`, () =>
      this.#read(room, request, { renewExpiry: false }),
    );
  }

  /** The newest position of a room; asking keeps its log from expiring. Throws UNAVAILABLE. */
  async checkPosition(room: string): Promise<Position> {
    return (await this.#read(room, { limit: 0 }, { renewExpiry: true })).position;
  }

  async #append(room: string, batch: readonly Draft[]): Promise<readonly Outcome[]> {
    const { keyPrefix, historyMaxMessages, historyTtlSeconds, publishDedupSeconds, link } = this.#options;
    const keys = roomKeys(keyPrefix, room);
    const frame = publishedFrame(room);
    const args = [
      String(historyMaxMessages),
      String(historyTtlSeconds),
      String(publishDedupSeconds),
      this.#newestKnown(room),
      frame.beforeMessages,
      frame.beforeHead,
      frame.end,
    ];
    for (const { id, after, body } of batch) args.push(id, after, body);
    const answers = await runScript(
      link,
      appendScript,
      [keys.log, keys.fork, keys.idsEven, keys.idsOdd, keys.channel],
      args,
    );
    const outcomes = (answers as readonly string[]).map(parseOutcome);
    const newest = outcomes.findLast((outcome) => outcome !== "out-of-order" && !outcome.duplicate);
    if (newest !== undefined && newest !== "out-of-order") this.#appended.note(room, newest.position);
    return outcomes;
  }

  /** The newest position that this instance can vouch for: a log that is behind it has lost writes. */
  #newestKnown(room: string): Position {
    const seen = this.#options.seen.get(room) ?? START;
    const appended = this.#appended.get(room) ?? START;
    return comparePositions(appended, seen) > 0 ? appended : seen;
  }

  async #read(
    room: string,
    { after, before, limit, isWitness = false }: PageRequest,
    { renewExpiry }: { renewExpiry: boolean },
  ): Promise<Page> {
    const { keyPrefix, historyTtlSeconds, link } = this.#options;
    const keys = roomKeys(keyPrefix, room);
    const args = [
      after ?? "",
      before ?? "",
      String(limit),
      String(limits.pageBytes),
      String(historyTtlSeconds),
      renewExpiry ? "1" : "0",
      isWitness ? "1" : "0",
      this.#newestKnown(room),
    ];
    return parsePage((await runScript(link, readScript, [keys.log, keys.fork], args)) as readonly (string | number)[]);
  }
}

function parseOutcome(answer: string): Outcome {
  if (answer === "!") return "out-of-order";
  return { position: answer.slice(1) as Position, duplicate: answer.startsWith("=") };
}

function parsePage([position, recovered, complete, ...entries]: readonly (string | number)[]): Page {
  const messages: Message[] = [];
  for (let index = 0; index < entries.length; index += 2) {
    messages.push(JSON.parse(`{"position":"${entries[index]}",${entries[index + 1]}`) as Message);
  }
  return { position: position as Position, recovered: recovered === 1, messages, complete: complete === 1 };
}
