import { type Position, START } from "../../../client/src/protocol/position.ts";
import type { Life } from "./history.ts";

/** An entry in all the logs that a room ever had; its parent is the entry before it. */
export interface LogNode {
  readonly position: Position;
  /** Undefined for what is no message: the root, and entries that the log itself made. */
  readonly text: string | undefined;
  readonly parent: LogNode | undefined;
  /** How many entries stand before it, the root included. */
  readonly depth: number;
  /** The life of the log in which it was appended. */
  readonly life: number;
  /** When Redis lost it; undefined for what stands in the log at the end. */
  readonly lostAtMs: number | undefined;
}

type Growing = { -readonly [Key in keyof LogNode]: LogNode[Key] };

/** What Redis lost at one moment. */
export interface Loss {
  readonly atMs: number;
  /** The last entry that was kept then, which may itself have been lost later. */
  readonly after: LogNode;
  readonly nodes: readonly LogNode[];
}

/**
 * All that a room's log ever held. Redis only ever loses the end of a log, so the entries form a tree: its trunk is the
 * log at the end of the run, and each branch was lost.
 */
export class LogTree {
  readonly root: LogNode;
  /** The log at the end, the root first. */
  readonly trunk: readonly LogNode[];
  /** The log at the end of each life, the root first. The last one is the trunk. */
  readonly logs: readonly (readonly LogNode[])[];
  readonly losses: readonly Loss[];
  /** In the order in which they were appended. */
  readonly nodes: readonly LogNode[];
  readonly #byPosition = new Map<Position, LogNode[]>();
  /** The depth of the last entry that each life kept of the one before. */
  readonly #keptDepths: readonly number[];

  constructor(lives: readonly Life[]) {
    this.root = { position: START, text: undefined, parent: undefined, depth: 0, life: 0, lostAtMs: undefined };
    const losses: Loss[] = [];
    const nodes: LogNode[] = [];
    const logs: LogNode[][] = [];
    let log: Growing[] = [this.root];
    lives.forEach(({ kept, appended }, number) => {
      const atMs = lives[number - 1]?.endedAtMs ?? 0;
      const lost = log.slice(kept + 1);
      for (const node of lost) node.lostAtMs = atMs;
      log = log.slice(0, kept + 1);
      if (lost.length > 0) losses.push({ atMs, after: log.at(-1) ?? this.root, nodes: lost });
      for (const entry of appended) {
        const node = { ...entry, parent: log.at(-1), depth: log.length, life: number, lostAtMs: undefined };
        log.push(node);
        nodes.push(node);
        this.#byPosition.set(node.position, [...this.at(node.position), node]);
      }
      logs.push(log);
    });
    this.#keptDepths = lives.map(({ kept }) => kept);
    this.trunk = log;
    this.logs = logs;
    this.losses = losses;
    this.nodes = nodes;
  }

  /** The entries that ever stood at a position, the newest last: one, where the promise was kept. */
  at(position: Position): readonly LogNode[] {
    return position === START ? [this.root] : (this.#byPosition.get(position) ?? []);
  }

  find(position: Position, text: string): LogNode | undefined {
    return this.at(position).findLast((node) => node.text === text);
  }

  /** The last entry that stands before both in their logs, or is one of them. */
  fork(one: LogNode, other: LogNode): LogNode {
    const [first, second] = one.life < other.life ? [one, other] : [other, one];
    const cuts = this.#keptDepths.slice(first.life + 1, second.life + 1);
    const depth = Math.min(first.depth, second.depth, ...cuts);
    return this.logs[second.life]?.[depth] ?? this.root;
  }

  /** Whether `node` is `other`, or stands before it in a log. */
  leadsTo(node: LogNode, other: LogNode): boolean {
    return this.fork(node, other) === node;
  }

  /** The last entry up to this one that was never lost. */
  anchorOf(node: LogNode): LogNode {
    return this.fork(node, this.trunk.at(-1) ?? this.root);
  }
}
