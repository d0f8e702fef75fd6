import fc from "fast-check";
import { expect } from "vitest";
import { type Position, START } from "../../../client/src/protocol/index.ts";
import type { Acknowledged, History } from "./judge.ts";
import type { LogUnderTest } from "./log-under-test.ts";
import { Member } from "./member.ts";

export const instanceCount = 2;

type Move =
  | "append"
  | "resend"
  | "deliver"
  | "lose"
  | "read"
  | "answer"
  | "drop"
  | "check"
  | "cut"
  | "away"
  | "fresh"
  | "deaf"
  | "replace";
type Fault = "snapshot" | "restore" | "restart" | "flush" | "trim";
export type Step = { readonly move: Move | Fault; readonly n: number };

const moves: readonly Move[] = [
  ...(["append", "append", "append", "append", "resend", "deliver", "deliver", "deliver", "deliver", "lose"] as const),
  ...([
    "read",
    "read",
    "answer",
    "answer",
    "drop",
    "check",
    "cut",
    "away",
    "fresh",
    "deaf",
    "deaf",
    "replace",
  ] as const),
];

/** Steps of a history, with those of the faults that are wanted. */
export function steps(faults: readonly Fault[], maxLength: number): fc.Arbitrary<Step[]> {
  const move = fc.constantFrom(...moves, ...faults);
  return fc.array(fc.record({ move, n: fc.nat(11) }), { maxLength, size: "max" });
}

interface Instance {
  /** Grows when the instance is replaced by one that knows nothing. */
  life: number;
  /** Its subscriptions are down: it hears no broadcast. */
  isDeaf: boolean;
}

/** What a world remembers of a message: more instances may come to know it. */
interface StoredMessage extends Acknowledged {
  readonly knownTo: Set<string>;
}

/** Plays a history of lives, losses, cuts and reads, and lets the weather clear. What came of it is judged elsewhere. */
export class World {
  readonly #log: LogUnderTest;
  readonly #members: Member[] = [];
  /** What was stored where, ever. */
  readonly #stored = new Map<Position, string>();
  /** Positions that an instance has acknowledged. */
  readonly #acknowledged: StoredMessage[] = [];
  readonly #instances: Instance[] = Array.from({ length: instanceCount }, () => ({ life: 0, isDeaf: false }));
  #count = 0;
  #lossFaults = 0;

  constructor(log: LogUnderTest) {
    this.#log = log;
  }

  async run(script: readonly Step[]): Promise<History> {
    for (let number = 0; number < 3; number += 1) await this.#join(number % instanceCount);
    for (const step of script) await this.#act(step);
    await this.#clear();
    return {
      members: this.#members,
      acknowledged: this.#acknowledged,
      livingInstances: new Set(this.#instances.map((_, number) => this.#nameOf(number))),
      lossFaults: this.#lossFaults,
      head: (await this.#log.read(undefined, 0)).position,
      kept: await this.#keptPositions(),
    };
  }

  async #keptPositions(): Promise<ReadonlySet<Position>> {
    const kept = new Set<Position>();
    for (let after: Position = START, isComplete = false; !isComplete; ) {
      const page = await this.#log.read(after, 500);
      for (const { position } of page.messages) kept.add(position);
      after = page.messages.at(-1)?.position ?? page.position;
      isComplete = page.complete;
    }
    return kept;
  }

  async #act({ move, n }: Step): Promise<void> {
    const member = this.#members[n % this.#members.length];
    if (member === undefined) return;
    if (move === "append") {
      // Some of the messages are a member's own, and it is told that they are stored.
      await this.#append(n, `message-${this.#count++}`, n % 4 === 0 ? member : undefined);
    } else if (move === "resend") await this.#resend(n);
    else if (move === "deliver") this.#arrive(member, 1 + (n % 3));
    else if (move === "lose") member.wire.shift();
    else if (move === "read") await this.#ask(member);
    else if (move === "answer") this.#answer(member, n);
    else if (move === "drop") {
      if (member.reads.shift()) member.sequencer.answer(undefined, undefined);
    } else if (move === "check") await this.#check(n % instanceCount);
    else if (move === "cut") member.wire.length = 0;
    else if (move === "away") await this.#moveAway(member, n);
    else if (move === "fresh") {
      if (this.#members.length < 6) await this.#join(n % instanceCount);
    } else if (move === "deaf") {
      const instance = this.#instanceAt(n % instanceCount);
      // What it missed, it will find out by a check, or by a broadcast that does not continue what it knows.
      instance.isDeaf = !instance.isDeaf;
    } else if (move === "replace") {
      const number = n % instanceCount;
      this.#log.replace(number);
      this.#instanceAt(number).life += 1;
      for (const other of this.#members) if (other.instance === number) other.instance = undefined;
    } else if (move === "trim") {
      this.#lossFaults += 1;
      await this.#log.trim(n);
    } else {
      if (move === "restore" || move === "flush") this.#lossFaults += 1;
      await this.#log[move]();
    }
    await this.#broadcast();
  }

  async #append(n: number, id: string, owner: Member | undefined): Promise<void> {
    const position = await this.#log.append(n % instanceCount, id);
    const other = this.#stored.get(position);
    expect(other === undefined || other === id, `${position} names ${other} and ${id}`).toBe(true);
    this.#stored.set(position, id);
    const knownTo = new Set([this.#nameOf(n % instanceCount)]);
    if (other === undefined) this.#acknowledged.push({ id, position, knownTo, owner });
    owner?.sequencer.acknowledged(id, position, other !== undefined);
    await this.#broadcast();
  }

  #instanceAt(number: number): Instance {
    const instance = this.#instances[number];
    if (instance === undefined) throw new Error(`expected an instance below ${instanceCount}, got ${number}`);
    return instance;
  }

  #nameOf(instance: number): string {
    return `${instance}.${this.#instanceAt(instance).life}`;
  }

  /** A publisher that was not answered sends the same message again. */
  async #resend(n: number): Promise<void> {
    const { id } = this.#acknowledged.at(-1 - (n % 3)) ?? {};
    if (id !== undefined) await this.#append(n, id, undefined);
  }

  async #join(instance: number): Promise<void> {
    const member = new Member(instance, this.#members.length % 3);
    this.#members.push(member);
    await this.#ask(member);
    this.#answer(member, 0);
  }

  async #moveAway(member: Member, n: number): Promise<void> {
    if (member.instance !== undefined) member.instance = undefined;
    else {
      member.instance = n % instanceCount;
      member.wire.length = 0;
      // A client that is back reads after its position.
      member.sequencer.answer(undefined, undefined);
      await this.#ask(member);
    }
  }

  async #broadcast(): Promise<void> {
    for (const broadcast of await this.#log.broadcasts()) {
      for (let instance = 0; instance < instanceCount; instance += 1) {
        if (this.#instanceAt(instance).isDeaf) continue;
        const isContinued = this.#log.deliver(instance, broadcast);
        for (const { position } of "messages" in broadcast.payload ? broadcast.payload.messages : []) {
          this.#acknowledged.find((stored) => stored.position === position)?.knownTo.add(this.#nameOf(instance));
        }
        for (const member of this.#members) if (member.instance === instance) member.wire.push(broadcast.payload);
        if (!isContinued) await this.#check(instance);
      }
    }
  }

  async #check(instance: number): Promise<void> {
    const position = await this.#log.check(instance);
    for (const member of this.#members) if (member.instance === instance) member.wire.push({ position });
    await this.#broadcast();
  }

  #arrive(member: Member, count: number): void {
    for (const payload of member.wire.splice(0, count)) member.sequencer.hear(payload);
  }

  async #ask(member: Member): Promise<void> {
    if (member.reads.length >= 2) return;
    const asked = member.sequencer.ask();
    member.reads.push({ asked, page: await this.#log.read(asked, asked === undefined ? member.history : 3) });
  }

  #answer(member: Member, n: number): void {
    const [answered] = member.reads.splice(n % 2 === 0 ? 0 : -1, 1);
    if (!answered) return;
    member.sequencer.answer(answered.asked, answered.page);
    if (member.last !== undefined) member.joined ??= { at: member.last, told: member.told.length };
  }

  /** Everything under way arrives, all are back, the instances check, and clients read until nothing is missing. */
  async #clear(): Promise<void> {
    for (const instance of this.#instances) instance.isDeaf = false;
    for (const [number, member] of this.#members.entries()) {
      if (member.instance === undefined) await this.#moveAway(member, number);
    }
    for (let round = 0; round < 3; round += 1) {
      for (let instance = 0; instance < instanceCount; instance += 1) await this.#check(instance);
      for (const member of this.#members) {
        this.#arrive(member, member.wire.length);
        for (const { asked, page } of member.reads.splice(0)) member.sequencer.answer(asked, page);
        for (let reads = 0; member.sequencer.isBehind(); reads += 1) {
          expect(reads, "reads until nothing is missing").toBeLessThan(100);
          await this.#ask(member);
          this.#answer(member, 0);
        }
      }
    }
  }
}
