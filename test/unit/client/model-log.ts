import type { Message, Page, Position } from "../../../client/src/protocol/index.ts";
import { comparePositions, START, splitPosition } from "../../../client/src/protocol/position.ts";

/** A room's log as the server keeps it: positions count up within an epoch; it can be trimmed, lose its end, or all. */
export class ModelLog {
  entries: Message[] = [];
  /** Every message ever appended, lost or not. */
  readonly everAppended = new Map<Position, Message>();
  /** What a failover took away. */
  readonly lost = new Set<Position>();
  #epochMs = 0;
  #mustFork = true;

  get head(): Position {
    return this.entries.at(-1)?.position ?? START;
  }

  append(): Message {
    const last = this.entries.at(-1);
    const fork = this.#mustFork || last === undefined;
    if (fork) this.#epochMs += 10;
    this.#mustFork = false;
    const seq = fork || last === undefined ? 0 : splitPosition(last.position).seq + 1;
    const position: Position = `${this.#epochMs}-${seq}`;
    const message = {
      position,
      id: `id-${position}`,
      event: "chat:message",
      data: { text: position },
      from: { user: null, session: null },
      sentAtMs: 0,
    };
    this.entries.push(message);
    this.everAppended.set(position, message);
    return message;
  }

  /** Drops the oldest messages, as the bound on a log's length does. */
  trim(keep: number): void {
    this.entries = keep === 0 ? [] : this.entries.slice(-keep);
  }

  /** A failover: the newest messages were never replicated. Whoever is ahead makes the next append begin an epoch. */
  loseEnd(count: number): void {
    const lost = this.entries.splice(Math.max(0, this.entries.length - count));
    for (const { position } of lost) this.lost.add(position);
    this.#mustFork = true;
  }

  read(after: Position | undefined, limit: number): Page {
    const position = this.head;
    if (after === undefined) return { position, recovered: true, complete: true, messages: [] };
    const later = this.entries.filter((entry) => comparePositions(entry.position, after) > 0);
    const recovered = this.#continues(after, later[0]?.position);
    if (!recovered) return { position, recovered, complete: true, messages: this.entries.slice(-limit) };
    return { position, recovered, complete: later.length <= limit, messages: later.slice(0, limit) };
  }

  #continues(after: Position, next: Position | undefined): boolean {
    if (this.entries.some(({ position }) => position === after)) return true;
    if (next === undefined) return after === this.head;
    const from = splitPosition(after);
    const to = splitPosition(next);
    if (after === START) return to.seq === 0;
    return to.epochMs === from.epochMs && to.seq === from.seq + 1;
  }
}
