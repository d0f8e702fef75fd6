import { limits } from "../../../client/src/protocol/limits.ts";
import { type Position, START } from "../../../client/src/protocol/position.ts";
import type { Generation, MemberEvent, Membership, Problem, ProblemKind } from "./history.ts";

/** A place in the logs of a room: generation and index in it. */
interface Place {
  readonly generation: number;
  readonly index: number;
}

type Gap = Extract<MemberEvent, { kind: "gap" }>;
type Delivered = Extract<MemberEvent, { kind: "message" }>;

/** Holds what one member was told against the logs of its room. */
export function judgeDelivery(generations: readonly Generation[], membership: Membership): Problem[] {
  return new DeliveryJudge(generations, membership).judge();
}

class DeliveryJudge {
  readonly #generations: readonly Generation[];
  readonly #membership: Membership;
  readonly #problems: Problem[] = [];
  readonly #places = new Map<Position, Place>();
  readonly #delivered = new Set<Position>();
  /** Passed over without a gap: lost, unless they come after all. */
  readonly #skipped = new Map<Position, string>();
  /** What is to come next. */
  #next: Place = { generation: 0, index: 0 };
  /** The last position that was told, or joined at. */
  #last: Position = START;
  /** A gap that waits for the message which goes on behind it. */
  #gap: Gap | undefined;

  constructor(generations: readonly Generation[], membership: Membership) {
    this.#generations = generations;
    this.#membership = membership;
    generations.forEach(({ entries }, generation) => {
      entries.forEach(({ position }, index) => {
        this.#places.set(position, { generation, index });
      });
    });
  }

  judge(): Problem[] {
    const { joinedAt, eventsBeforeJoined, events } = this.#membership;
    if (joinedAt === undefined) {
      this.#complain("never-joined", "was never told that it is in the room");
      return this.#problems;
    }
    this.#begin(joinedAt, events[0], eventsBeforeJoined > 0);
    events.forEach((event, index) => {
      if (event.kind === "gap") this.#takeGap(event);
      else this.#takeMessage(event, index);
    });
    this.#finish();
    return this.#problems;
  }

  #begin(joinedAt: Position, first: MemberEvent | undefined, isReplay: boolean): void {
    if (isReplay && first?.kind === "message") {
      this.#next = this.#places.get(first.position) ?? this.#next;
      const before = this.#entry({ ...this.#next, index: this.#next.index - 1 });
      this.#last = before?.position ?? START;
    } else if (joinedAt !== START) {
      const place = this.#places.get(joinedAt);
      if (place === undefined) this.#complain("altered", `joined at ${joinedAt}, which no log ever held`);
      else this.#next = { ...place, index: place.index + 1 };
      this.#last = joinedAt;
    }
  }

  #takeMessage({ position, text }: Delivered, eventIndex: number): void {
    const place = this.#places.get(position);
    const entry = place && this.#entry(place);
    if (place === undefined || entry?.text !== text) {
      this.#complain("altered", `was told ${text} at ${position}, where the log holds ${entry?.text ?? "nothing"}`);
      return;
    }
    if (this.#delivered.has(position)) {
      this.#complain("repeated", `was told ${text} at ${position} again`);
      return;
    }
    this.#delivered.add(position);
    if (isBefore(place, this.#next)) {
      this.#skipped.delete(position);
      this.#complain("reordered", `was told ${text} at ${position} behind ${this.#last}`);
      return;
    }
    this.#settleCrossing(place, eventIndex);
    this.#skip(place);
    this.#next = { ...place, index: place.index + 1 };
    this.#last = position;
  }

  /** Checks the step from one generation into another, and the gap that announces it. */
  #settleCrossing(place: Place, eventIndex: number): void {
    const gap = this.#gap;
    this.#gap = undefined;
    const crosses = place.generation > this.#next.generation;
    if (gap === undefined) {
      if (!crosses) return;
      this.#complain("missing-gap", `went from ${this.#last} on into a new log without a gap`);
      this.#next = { generation: place.generation, index: 0 };
      return;
    }
    const at = this.#entry(place)?.position;
    if (!crosses) this.#complain("superfluous-gap", `was told of a gap after ${gap.after}, and nothing was lost there`);
    else if (gap.position !== START && gap.position !== at) {
      this.#complain("superfluous-gap", `was told that it goes on at ${gap.position}, it went on at ${at}`);
    }
    // Behind a gap the newest page is given: more than a page may lie before it, and that is part of the gap.
    if (crosses) this.#next = this.#opensFullPage(eventIndex) ? place : { generation: place.generation, index: 0 };
  }

  #opensFullPage(eventIndex: number): boolean {
    const page = this.#membership.events.slice(eventIndex, eventIndex + limits.pageMessages);
    return page.length === limits.pageMessages && page.every((event) => event.kind === "message" && event.replayed);
  }

  /** Everything between what was to come and `place`, in the generation of `place`. */
  #skip(place: Place): void {
    const entries = this.#generations[place.generation]?.entries.slice(this.#next.index, place.index) ?? [];
    for (const { position, text } of entries) this.#skipped.set(position, text);
  }

  #takeGap(gap: Gap): void {
    if (gap.after !== this.#last) {
      this.#complain("superfluous-gap", `was told of a gap after ${gap.after}, but ${this.#last} was the last one`);
    }
    if (this.#gap !== undefined) this.#complain("superfluous-gap", `was told of a second gap after ${gap.after}`);
    this.#gap = gap;
    this.#last = gap.position === START ? START : this.#last;
  }

  #finish(): void {
    const newest = this.#generations.length - 1;
    const rest = this.#generations[newest]?.entries ?? [];
    if (this.#next.generation < newest && rest.length > 0 && this.#gap === undefined) {
      this.#complain("missing-gap", `was told nothing after ${this.#last}, whose log is lost`);
    }
    if (this.#next.generation === newest && this.#gap !== undefined) {
      this.#complain("superfluous-gap", `was told of a gap after ${this.#gap.after}, and nothing was lost there`);
    }
    const from = this.#next.generation === newest ? this.#next.index : 0;
    for (const { position, text } of rest.slice(from)) this.#skipped.set(position, text);
    for (const [position, text] of this.#skipped) this.#complain("lost", `was never told ${text} at ${position}`);
  }

  #entry({ generation, index }: Place) {
    return this.#generations[generation]?.entries[index];
  }

  #complain(kind: ProblemKind, what: string): void {
    const { client, room } = this.#membership;
    this.#problems.push({ kind, detail: `${client} in ${room} ${what}` });
  }
}

function isBefore(a: Place, b: Place): boolean {
  return a.generation < b.generation || (a.generation === b.generation && a.index < b.index);
}
