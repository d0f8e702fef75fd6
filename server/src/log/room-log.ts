import { comparePositions, isRepeat, limits, type Page, type Position } from "@holdfast/client/protocol";
import { positionFrame, publishedFrame } from "../broadcast/frame.ts";
import { RequestError } from "../errors.ts";
import type { ScriptKeys } from "../redis/redis-client.ts";
import type { RedisClock } from "../redis/redis-clock.ts";
import { runScript, script } from "../redis/scripts.ts";
import type { SupervisedClient } from "../redis/supervised-client.ts";
import appendSource from "./append.lua";
import chainSource from "./chain.lua";
import { type CheckRider, checkScript } from "./check-script.ts";
import clearSource from "./clear.lua";
import { type Draft, GroupCommit, type Outcome } from "./group-commit.ts";
import type { RoomKeys } from "./keys.ts";
import type { Evidence, KnownPositions, Settlement } from "./known-positions.ts";
import positionsSource from "./positions.lua";
import readSource from "./read.lua";
import { parseOutcome, parsePage, positionsIn, textOf } from "./script-texts.ts";
import { SharedReads } from "./shared-reads.ts";

export interface RoomLogOptions {
  readonly redis: Pick<SupervisedClient, "run">;
  readonly keysOf: (room: string) => RoomKeys;
  readonly historyMaxMessages: number;
  readonly historyTtlSeconds: number;
  /** How long the id of a message is remembered, at least. */
  readonly idRetentionSeconds: number;
  readonly known: KnownPositions;
  /** Learns Redis' time from every answer. */
  readonly clock: RedisClock;
  /** A loss was reported to a log, and so to its members. */
  readonly onLoss?: () => void;
  /** The least time from one batch of a room's messages to the next. Default: 0. */
  readonly batchPauseMs?: (room: string) => number;
}

/** Which part of a log to read. Without `after` and `before` it is the newest part. */
export interface PageRequest {
  readonly after?: Position;
  readonly before?: Position;
  /** Messages at most; 0 asks for the newest position alone. */
  readonly limit: number;
  /** Bytes of messages at most, where that is less than a page may hold; one message is always given. */
  readonly pageBytes?: number;
}

// An append may not run when Redis is full, a check and a read may.
const appendScript = script({}, positionsSource, chainSource, appendSource);
const clearScript = script({ flags: "allow-oom" }, positionsSource, chainSource, clearSource);
const readScript = script({ flags: "no-writes" }, positionsSource, readSource);

/**
 * How long after it was sent an append may still be stored: the publishers have learned by then that it is unknown
 * what became of it, and a Redis that was stopped must not carry it out whenever it goes on.
 */
const appendWithinMs = limits.acknowledgementTimeoutMs;
/**
 * Ids are remembered for this much longer than `PUBLISH_DEDUP_SECONDS`, which is reckoned from the client's last
 * attempt. That may have been on its way for as long as a connection can be silent without being closed
 * (at most 45 s, by Engine.IO's own defaults), and then have waited for its append.
 */
export const onTheWaySeconds = 60;

/** The logs of all rooms: appending is broadcasting, reading proves continuity. */
export class RoomLog {
  readonly #options: RoomLogOptions;
  readonly #commits: GroupCommit;
  readonly #reads = new SharedReads<Page>();

  constructor(options: RoomLogOptions) {
    this.#options = options;
    this.#commits = new GroupCommit((room, batch) => this.#append(room, batch), options.batchPauseMs);
  }

  /** Loads the scripts and learns Redis' time, so that the first request waits for neither. Throws UNAVAILABLE. */
  async warmUp(): Promise<void> {
    const { redis } = this.#options;
    const scripts = [appendScript, checkScript, readScript];
    await Promise.all(scripts.map(({ source }) => redis.run((client) => client.scriptLoad(source))));
    await this.#runCheck(noRoom, [], { renewed: false });
  }

  /** Appends a message and broadcasts it in the same step. Throws UNAVAILABLE, where it may be stored anyway. */
  append(room: string, draft: Draft): Promise<Outcome> {
    return this.#commits.submit(room, draft);
  }

  /**
   * Reads one page. Identical reads that are asked for while one waits to start share it. Where the log ends before `after`,
   * what this instance knows of the loss is reported first, so that the reader learns of it at once. Throws UNAVAILABLE.
   */
  read(room: string, request: PageRequest): Promise<Page> {
    const { after, before, limit, pageBytes = limits.pageBytes } = request;
    return this.#reads.share(`${room} ${after ?? ""} ${before ?? ""} ${limit} ${pageBytes}`, async () => {
      const page = await this.#runRead(room, request);
      const isBehind = after !== undefined && comparePositions(page.position, after) < 0;
      return isBehind && (await this.#reportLoss(room, page.position)) ? this.#runRead(room, request) : page;
    });
  }

  /**
   * Shows the log what this instance knows of the room, and answers its newest position. A loss that shows is reported
   * in the log and to all members. The log of a room with members here is kept from expiring. Where Redis refuses writes,
   * the log is only read. Throws UNAVAILABLE.
   *
   * @param rider - what else is asked about the room in the same call
   */
  async check(room: string, rider?: CheckRider): Promise<Position> {
    try {
      return await this.#showKnown(room, rider);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      return (await this.read(room, { limit: 0 })).position;
    }
  }

  async #showKnown(room: string, rider?: CheckRider): Promise<Position> {
    const { known } = this.#options;
    const shown = known.evidence(room);
    const renewed = known.delivered(room) !== undefined;
    const settlement = await this.#runCheck(room, shown, { renewed, rider });
    this.#settle(room, shown, settlement);
    return settlement.head;
  }

  /** Whether the log, which ended at `head`, contains a report now. A reader that claims to be ahead of it proves nothing. */
  async #reportLoss(room: string, head: Position): Promise<boolean> {
    const shown = this.#options.known.evidence(room);
    if (shown.every(({ position, toldAt = position }) => isRepeat(head, toldAt))) return false;
    try {
      return (await this.#showKnown(room)) !== head;
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      return false;
    }
  }

  /** Removes every message of a room, which is a gap for its members. Throws UNAVAILABLE, where it may be done anyway. */
  async clear(room: string): Promise<void> {
    const { keysOf, historyTtlSeconds, redis } = this.#options;
    const keys = keysOf(room);
    const { beforePosition, beforeTail, end } = positionFrame(room);
    const args = [String(historyTtlSeconds), beforePosition, beforeTail, end];
    await runScript(redis, clearScript, [keys.log, keys.life, keys.channel], args);
  }

  async #runRead(room: string, request: PageRequest): Promise<Page> {
    const { keysOf, redis } = this.#options;
    const { after = "", before = "", limit, pageBytes = limits.pageBytes } = request;
    const answer = await runScript(redis, readScript, [keysOf(room).log], [after, before, `${limit}`, `${pageBytes}`]);
    return parsePage(answer);
  }

  async #runCheck(
    room: string,
    shown: readonly Evidence[],
    { renewed, rider }: { readonly renewed: boolean; readonly rider?: CheckRider | undefined },
  ): Promise<Settlement> {
    const { keysOf, historyTtlSeconds, redis } = this.#options;
    const keys = keysOf(room);
    const frame = positionFrame(room);
    const args = [
      shown.map(textOf).join(" "),
      String(historyTtlSeconds),
      renewed ? "1" : "0",
      frame.beforePosition,
      frame.beforeTail,
      frame.end,
    ];
    const names: ScriptKeys = [keys.log, keys.life, keys.channel, ...(rider?.keys ?? [])];
    const answered = await runScript(redis, rider?.script ?? checkScript, names, [...args, ...(rider?.args ?? [])]);
    const [answer, other] = rider === undefined ? [answered] : (answered as readonly unknown[]);
    if (Array.isArray(other)) rider?.take(other);
    const [nowMs, lost, head, newest] = answer as readonly [string, string, Position, Position];
    this.#options.clock.note(room, Number(nowMs));
    return { newest, head, lost: positionsIn(lost), renewed };
  }

  async #append(room: string, batch: readonly Draft[]): Promise<readonly Outcome[]> {
    const { known } = this.#options;
    const shown = known.evidence(room);
    const answers = (await this.#runAppend(room, batch, shown)) ?? (await this.#runAppend(room, batch, shown));
    // Refused a second time, with Redis' own time of a moment ago: the answer was long under way.
    if (answers === undefined) throw new RequestError("UNAVAILABLE", "the message came too late to be stored");
    const [lost = "", ...texts] = answers;
    const outcomes = texts.map(parseOutcome);
    const newest = outcomes.findLast((outcome) => outcome !== "out-of-order" && !outcome.duplicate);
    if (newest !== undefined && newest !== "out-of-order") {
      const head = newest.position;
      this.#settle(room, shown, { newest: head, head, lost: positionsIn(lost), renewed: true });
    }
    return outcomes;
  }

  #settle(room: string, shown: readonly Evidence[], settlement: Settlement): void {
    const { known, onLoss } = this.#options;
    known.settle(room, shown, settlement);
    if (settlement.lost.length > 0) onLoss?.();
  }

  /** Undefined where Redis' clock is beyond the latest moment: it may have been set, and the answer has told its present time. */
  async #runAppend(
    room: string,
    batch: readonly Draft[],
    shown: readonly Evidence[],
  ): Promise<readonly string[] | undefined> {
    const { keysOf, historyMaxMessages, historyTtlSeconds, idRetentionSeconds, redis } = this.#options;
    const keys = keysOf(room);
    const frame = publishedFrame(room);
    const args = [
      String(historyMaxMessages),
      String(historyTtlSeconds),
      String(idRetentionSeconds),
      String(this.#options.clock.momentMs(room, appendWithinMs)),
      shown.map(textOf).join(" "),
      frame.beforePrevious,
      frame.beforeMessages,
      frame.beforeTail,
      frame.end,
    ];
    for (const { id, after, body } of batch) args.push(id, after, body);
    const names: ScriptKeys = [keys.log, keys.life, keys.ids0, keys.ids1, keys.channel];
    const [nowMs, ...answers] = (await runScript(redis, appendScript, names, args)) as readonly string[];
    this.#options.clock.note(room, Number(nowMs));
    return answers.length === 1 ? undefined : answers;
  }
}

/** Stands for a room where a script is only tried; no room can have this name. */
const noRoom = "~";
