import { comparePositions, type Position } from "../../../client/src/protocol/position.ts";
import type { ToldGap } from "./explain-gaps.ts";
import type { MemberEvent, Membership, Problem, ProblemKind } from "./history.ts";
import type { LogNode, LogTree, Loss } from "./log-tree.ts";
import { lastBefore, NamedLosses } from "./named-losses.ts";
import type { Witnesses } from "./witnesses.ts";

type Event<Kind extends MemberEvent["kind"]> = Extract<MemberEvent, { kind: Kind }>;

/** What one member was owed and told, counted; and what was wrong with it. */
export interface DeliveryVerdict {
  readonly problems: readonly Problem[];
  /** Losses that this member had to be told of. */
  readonly gapsExpected: number;
  readonly gaps: readonly ToldGap[];
}

/** Holds what one member was told against all that its room's log ever held. */
export function judgeDelivery(tree: LogTree, membership: Membership, witnesses: Witnesses): DeliveryVerdict {
  return new DeliveryJudge(tree, membership, witnesses).judge();
}

class DeliveryJudge {
  readonly #tree: LogTree;
  readonly #membership: Membership;
  readonly #witnesses: Witnesses;
  readonly #problems: Problem[] = [];
  /** The positions at which each text was told, ever. */
  readonly #told = new Map<string, Set<Position>>();
  /** The texts that the present client was told. */
  #toldNow = new Set<string>();
  /** Losses that this member was told of, by a gap or by our own complaint that none came. */
  readonly #covered = new Set<Loss>();
  /** Losses that another gap of the present client would tell a second time. */
  #spent = new NamedLosses();
  /** Passed over by a gap that rightly says that the log has begun again below what was told. */
  readonly #excused = new Set<LogNode>();
  /** Where this member stands: a message, since nobody misses an entry that is none, or the root. */
  #place: LogNode;
  /** Where it joined. */
  #start: LogNode;
  /** What the present client has seen of the log begins here. */
  #began: LogNode;
  readonly #gaps: ToldGap[] = [];

  constructor(tree: LogTree, membership: Membership, witnesses: Witnesses) {
    this.#tree = tree;
    this.#membership = membership;
    this.#witnesses = witnesses;
    this.#place = this.#firstPlace();
    this.#start = this.#place;
    this.#began = this.#start;
  }

  judge(): DeliveryVerdict {
    const { joinedAt, events } = this.#membership;
    if (joinedAt === undefined) {
      this.#complain("never-joined", "was never told that it is in the room");
      return { problems: this.#problems, gapsExpected: 0, gaps: [] };
    }
    events.forEach((event, index) => {
      if (event.kind === "message") this.#takeMessage(event);
      else if (event.kind === "gap") this.#takeGap(event, events[index + 1]);
      else this.#takeReturn(event);
    });
    this.#findMissing();
    return { problems: this.#problems, gapsExpected: this.#judgeLosses(), gaps: this.#gaps };
  }

  #firstPlace(): LogNode {
    const { joinedAt, eventsBeforeJoined, events } = this.#membership;
    const first = events[0];
    if (eventsBeforeJoined > 0 && first?.kind === "message") {
      return messageAt(this.#tree.find(first.position, first.text)?.parent) ?? this.#tree.root;
    }
    const node = joinedAt && this.#tree.at(joinedAt).at(-1);
    if (node === undefined && joinedAt !== undefined) {
      this.#complain("altered", `joined at ${joinedAt}, which no log ever held`);
    }
    return messageAt(node) ?? this.#tree.root;
  }

  #takeMessage({ position, text }: Event<"message">): void {
    const node = this.#tree.find(position, text);
    if (node === undefined) {
      const held = this.#tree.at(position).map((other) => other.text ?? "an entry that is no message");
      this.#complain("altered", `was told ${text} at ${position}, where the log holds ${held.at(-1) ?? "nothing"}`);
      return;
    }
    // A client that came back knows what the one before it was told by its position alone.
    if (this.#toldNow.has(text) || this.#told.get(text)?.has(position)) {
      this.#complain("repeated", `was told ${text} at ${position} again`);
      return;
    }
    if (!this.#isReached(node.parent)) this.#complainOfStep(node);
    this.#toldNow.add(text);
    this.#told.set(text, (this.#told.get(text) ?? new Set()).add(position));
    this.#place = node;
  }

  /** Whether nothing is left to tell between where this member stands and an entry, that one included. */
  #isReached(node: LogNode | undefined): boolean {
    let at = node;
    while (at !== undefined && at !== this.#place && this.#isSettled(at)) at = at.parent;
    return at === this.#place;
  }

  /** Nothing is to be told of what is no message, nor of what was told before it was lost and stored again. */
  #isSettled({ text }: LogNode): boolean {
    return text === undefined || this.#told.has(text);
  }

  #complainOfStep(node: LogNode): void {
    const place = this.#place;
    const step = `was told ${node.text} at ${node.position} behind ${place.position}`;
    if (this.#tree.leadsTo(node, place)) this.#complain("reordered", step);
    else if (!this.#tree.leadsTo(place, node)) {
      this.#complain("missing-gap", `${step}, which was lost before, without a gap`);
      for (const loss of this.#lossesBefore(node, Number.POSITIVE_INFINITY)) this.#covered.add(loss);
    } else {
      // What is missing of the trunk is found at the end, unless it comes after all.
      for (let at = node.parent; at !== undefined && at !== place; at = at.parent) {
        if (at.lostAtMs !== undefined && !this.#isSettled(at)) this.#complain("lost", `${step}, and never ${at.text}`);
      }
    }
  }

  #takeGap(gap: Event<"gap">, next: MemberEvent | undefined): void {
    const isNext = next?.kind === "message" && next.position === gap.position;
    const target = isNext ? this.#tree.find(next.position, next.text) : this.#tree.at(gap.position).at(-1);
    if (target === undefined) {
      this.#note(gap, []);
      this.#complain("superfluous-gap", `was told that it goes on at ${gap.position}, which no log ever held`);
      return;
    }
    const landing = isNext ? (target.parent ?? target) : target;
    const fork = (node: LogNode) => this.#tree.fork(node, landing);
    const place = this.#place;
    const losses = this.#lossesBefore(landing, gap.atMs);
    const fresh = losses.filter((loss) => !this.#spent.has(loss));
    // What was told is gone, or the log that is told now never had it.
    const isBranch =
      !this.#tree.leadsTo(place, target) && (place.lostAtMs !== undefined || !this.#tree.leadsTo(target, place));
    const news = losses.flatMap((loss) => this.#spent.news(gap, loss, this.#missed(loss)));
    const isNamed =
      news.some((node) => lastBefore(node, landing)?.position === gap.after) ||
      fresh.some((loss) => [loss.after, fork(loss.after)].some(({ position }) => position === gap.after)) ||
      this.#tree.at(gap.after).some((node) => this.#isReached(node));
    const told = losses.filter(({ after, nodes }) => {
      const isOn = nodes.some(({ position }) => position === gap.after);
      // Where no message ends the gap, it ends with the entry that it names, and what was lost behind that lies outside.
      const isBehind = !isNext && after === landing;
      const isBefore = nodes.every(({ position }) => comparePositions(position, gap.after) < 0);
      return (
        (isOn || !(isBehind || isBefore)) &&
        this.#tree.at(gap.after).some((node) => fork(after).depth >= fork(node).depth)
      );
    });
    const named = fresh.filter((loss) => told.includes(loss) || loss.nodes.some((node) => news.includes(node)));
    this.#note(gap, named.length > 0 ? named : losses.slice(-1));
    if (!isBranch && news.length === 0 && !told.some((loss) => !this.#spent.has(loss))) {
      this.#complain("superfluous-gap", `was told of a gap after ${gap.after}, and nothing new was lost there`);
    } else if (!isNamed) {
      this.#complain("superfluous-gap", `was told of a gap after ${gap.after}, but ${place.position} was the last one`);
    }
    for (const node of this.#tree.trunk.slice(
      this.#tree.anchorOf(place).depth + 1,
      this.#tree.anchorOf(landing).depth + 1,
    )) {
      if (comparePositions(node.position, gap.after) <= 0) this.#excused.add(node);
    }
    // Whoever is told of a gap knows that something was lost; which of several losses, it tells by its positions.
    for (const loss of losses) this.#covered.add(loss);
    for (const loss of losses) {
      const isNews = loss.nodes.some((node) => news.includes(node));
      if (isNews || told.includes(loss) || this.#spent.has(loss)) this.#spent.add(loss, gap, this.#missed(loss));
    }
    this.#place = messageAt(landing) ?? this.#tree.root;
  }

  #note({ after, position, atMs }: Event<"gap">, losses: readonly Loss[]): void {
    const { client, room } = this.#membership;
    this.#gaps.push({ client, room, after, position, atMs, losses });
  }

  /** What the present client was not told of a loss. One that came back knows its position alone. */
  #missed({ nodes }: Loss): LogNode[] {
    return nodes.filter(({ text }) => text !== undefined && !this.#toldNow.has(text));
  }

  #takeReturn({ since }: Event<"returned">): void {
    this.#toldNow = new Set();
    this.#spent = new NamedLosses();
    this.#began = this.#tree.root;
    if (since !== this.#place.position) this.#place = messageAt(this.#tree.at(since).at(-1)) ?? this.#place;
  }

  /** Losses up to a moment in what this member has seen of the log, up to a place. */
  #lossesBefore(place: LogNode, atMs: number): Loss[] {
    const began = this.#tree.fork(this.#began, place);
    return this.#tree.losses.filter((loss) => {
      const { after } = loss;
      const isBeyond = after !== place && this.#tree.leadsTo(place, after) && !((after.lostAtMs ?? Infinity) <= atMs);
      return loss.atMs <= atMs && !isBeyond && this.#tree.fork(after, place).depth >= began.depth;
    });
  }

  #findMissing(): void {
    for (const node of this.#tree.trunk.slice(this.#tree.anchorOf(this.#start).depth + 1)) {
      if (this.#isSettled(node) || this.#excused.has(node)) continue;
      this.#complain("lost", `was never told ${node.text} at ${node.position}`);
    }
  }

  /** Finds losses that this member had to be told of and was not; gives back how many it had to be told of. */
  #judgeLosses(): number {
    let expected = 0;
    for (const loss of this.#tree.losses) {
      const because = this.#owes(loss);
      if (because === undefined) continue;
      expected += 1;
      if (this.#covered.has(loss)) continue;
      const kind = because.wasTold ? "missing-gap" : "untold-loss";
      this.#complain(kind, `${because.sentence}, which was lost after ${loss.after.position}, and got no gap`);
    }
    return expected;
  }

  /** Why a loss had to be told to this member; undefined where it did not have to be. */
  #owes(loss: Loss): { readonly wasTold: boolean; readonly sentence: string } | undefined {
    const { client, joinedAtMs } = this.#membership;
    // What was stored again is not gone.
    const gone = loss.nodes.filter((node) => node.text !== undefined && !this.#witnesses.isKept(node.text));
    const told = gone.find(({ text, position }) => text !== undefined && this.#told.get(text)?.has(position));
    if (told !== undefined) return { wasTold: true, sentence: `was told ${told.text}` };
    const own = gone.find((node) => this.#witnesses.wasAcknowledged(node, client));
    if (own !== undefined) return { wasTold: false, sentence: `was acknowledged ${own.text}` };
    // Of what others knew, only what came while it was in, and not before anything was said that it could refer to.
    const isInView = joinedAtMs < loss.atMs && loss.after !== this.#tree.root;
    const seen =
      isInView && gone.find((node) => this.#witnesses.isKnown(node, loss) && !this.#tree.leadsTo(node, this.#start));
    return seen ? { wasTold: false, sentence: `others knew of ${seen.text}` } : undefined;
  }

  #complain(kind: ProblemKind, what: string): void {
    const { client, room } = this.#membership;
    this.#problems.push({ kind, detail: `${client} in ${room} ${what}` });
  }
}

/** The last message up to an entry; undefined where there is none. */
function messageAt(node: LogNode | undefined): LogNode | undefined {
  let at = node;
  while (at !== undefined && at.text === undefined) at = at.parent;
  return at;
}
