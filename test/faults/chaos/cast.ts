import { setTimeout as delay } from "node:timers/promises";
import { HoldfastError } from "../../../client/src/index.ts";
import { type ChatClient, type ChatRoom, connectChat } from "../../support/chat.ts";
import { type Random, randomInteger } from "../../support/random.ts";
import { waitFor, withTimeout } from "../../support/wait.ts";
import type { MemberEvent, Membership, Outcome, Publish } from "./history.ts";

const LONGEST_PAUSE_MS = 900;
const LONGEST_BURST = 4;
/** A client keeps up to 1,000 publishes. */
const MOST_PENDING = 200;
const JOIN_TIMEOUT_MS = 30_000;
/** Clients that begin with so much of the past, every other one. */
const HISTORY = 20;

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

interface Member {
  readonly record: Mutable<Omit<Membership, "events">> & { readonly events: MemberEvent[] };
  room: ChatRoom;
}

interface Actor {
  readonly name: string;
  /** Its publishes that are neither acknowledged nor rejected. */
  pending: number;
  /** Where it connects, each time. */
  readonly url: string;
  client: ChatClient;
  readonly members: Member[];
}

/** What the clients met. */
export interface CastCounts {
  reconnections: number;
  moves: number;
  errors: string[];
}

/** The clients of a run, with the real client package: all are readers, some publish. */
export class Cast implements AsyncDisposable {
  readonly counts: CastCounts = { reconnections: 0, moves: 0, errors: [] };
  /** Publishes that were acknowledged so far. */
  acknowledged = 0;
  readonly #rooms: readonly string[];
  readonly #actors: Actor[];
  readonly #publishes: Mutable<Publish>[] = [];
  readonly #settling = new Set<Promise<void>>();

  /** ChatClient `index` uses `urls[index]` and is in two of the rooms. */
  constructor(urls: readonly string[], rooms: readonly string[]) {
    this.#rooms = rooms;
    this.#actors = [];
    for (const url of urls) this.arrive(url);
  }

  /** One more client comes, and stays. */
  arrive(url: string): void {
    const index = this.#actors.length;
    this.#actors.push(this.#createActor(`client-${index}`, url, roomsOf(index, this.#rooms), index));
  }

  get memberships(): readonly Membership[] {
    return this.#actors.flatMap(({ members }) => members.map(({ record }) => record));
  }

  get publishes(): readonly Publish[] {
    return this.#publishes;
  }

  /** Publishes that are neither acknowledged nor rejected. */
  get pending(): number {
    return this.#settling.size;
  }

  /** Resolves when all are in all their rooms. */
  async joined(): Promise<void> {
    const rooms = this.#actors.flatMap(({ members }) => members.map(({ room }) => room.ready));
    await withTimeout(Promise.all(rooms), "all clients to join", JOIN_TIMEOUT_MS);
  }

  /** ChatClient `index` publishes into its rooms, in bursts, until the signal. */
  async publishUntil(
    signal: AbortSignal,
    index: number,
    random: Random,
    longestPauseMs = LONGEST_PAUSE_MS,
  ): Promise<void> {
    const actor = this.#actor(index);
    for (let number = 0; !signal.aborted; ) {
      for (const { room } of actor.members) {
        // An application that nobody answers would not go on either.
        if (actor.pending > MOST_PENDING) continue;
        const burst = randomInteger(random, 1, LONGEST_BURST);
        for (let sent = 0; sent < burst; sent += 1) this.#publish(actor, room, number++);
      }
      await delay(randomInteger(random, 0, longestPauseMs), undefined, { signal }).catch(() => undefined);
    }
  }

  /** Publishes one last message into every room; resolves when all members of all rooms got it, or the time is over. */
  async fence(timeoutMs: number): Promise<boolean> {
    const fences = new Map<string, string>();
    for (const actor of this.#actors) {
      for (const { room } of actor.members) {
        if (!fences.has(room.name)) fences.set(room.name, this.#publish(actor, room, "fence"));
      }
    }
    const isThrough = ({ record }: Member) => {
      const last = record.events.findLast((event) => event.kind === "message");
      return last !== undefined && last.text === fences.get(record.room);
    };
    const members = this.#actors.flatMap((actor) => actor.members);
    return inTime(() => this.pending === 0 && members.every(isThrough), "every fence to reach every member", timeoutMs);
  }

  /** True when every publish is acknowledged or rejected. */
  settled(timeoutMs: number): Promise<boolean> {
    return inTime(() => this.pending === 0, "every publish to be settled", timeoutMs);
  }

  /**
   * The application of client `index` ends and, when `away` is over, comes back: a new client goes on from the
   * positions of the old one.
   */
  async comeBack(index: number, away?: Promise<unknown>): Promise<boolean> {
    const actor = this.#actor(index);
    const positions = actor.members.map(({ room }) => room.position);
    // One that never got in has no place to go on from.
    if (positions.includes(undefined)) return false;
    const closed = actor.client.close();
    await away;
    actor.client = this.#open(actor.url);
    actor.members.forEach((member, number) => {
      const since = positions[number];
      if (since !== undefined) member.record.events.push({ kind: "returned", since, atMs: performance.now() });
      member.room = actor.client.join(member.record.room, since === undefined ? {} : { since });
      this.#listen(member.record, member.room);
    });
    await closed;
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#actors.map(({ client }) => client.close()));
    await Promise.all(this.#settling);
  }

  #createActor(name: string, url: string, rooms: readonly string[], index: number): Actor {
    const client = this.#open(url);
    const members = rooms.map((roomName) => {
      const room = client.join(roomName, index % 2 === 0 ? {} : { history: HISTORY });
      const record: Member["record"] = {
        client: name,
        room: roomName,
        joinedAt: undefined,
        joinedAtMs: Number.POSITIVE_INFINITY,
        eventsBeforeJoined: 0,
        events: [],
      };
      this.#listen(record, room);
      void room.ready.then(() => {
        record.joinedAt = room.position;
        record.joinedAtMs = performance.now();
        record.eventsBeforeJoined = record.events.length;
      }, this.#noteError);
      return { record, room };
    });
    return { name, pending: 0, url, client, members };
  }

  #open(url: string): ChatClient {
    const client = connectChat(url);
    client.on("error", this.#noteError);
    client.on("status", (status) => {
      if (status === "reconnecting") this.counts.reconnections += 1;
      if (status === "moving") this.counts.moves += 1;
    });
    return client;
  }

  #listen({ events }: Member["record"], room: ChatRoom): void {
    room.on("message", ({ position, data, replayed }) => {
      const { text } = data as { text: string };
      events.push({ kind: "message", position, text, replayed, atMs: performance.now() });
    });
    room.on("gap", ({ after, position }) => events.push({ kind: "gap", after, position, atMs: performance.now() }));
    room.on("error", this.#noteError);
  }

  #publish(actor: Actor, room: ChatRoom, number: number | string): string {
    const text = `${actor.name}/${room.name}/${number}`;
    const record: Mutable<Publish> = { client: actor.name, room: room.name, text, outcome: { kind: "pending" } };
    actor.pending += 1;
    this.#publishes.push(record);
    const settling = room
      .publish("chat:message", { text })
      .then(
        ({ position }): Outcome => ({ kind: "acknowledged", position, atMs: performance.now() }),
        (error: unknown): Outcome => ({ kind: "rejected", code: codeOf(error) }),
      )
      .then((outcome) => {
        record.outcome = outcome;
        if (outcome.kind === "acknowledged") this.acknowledged += 1;
        actor.pending -= 1;
        this.#settling.delete(settling);
      });
    this.#settling.add(settling);
    return text;
  }

  readonly #noteError = (error: unknown) => {
    this.counts.errors.push(codeOf(error));
  };

  #actor(index: number): Actor {
    const actor = this.#actors[index];
    if (actor === undefined) throw new Error(`expected a client below ${this.#actors.length}, got ${index}`);
    return actor;
  }
}

/** Two neighbouring rooms. */
function roomsOf(index: number, rooms: readonly string[]): string[] {
  return [index, index + 1].flatMap((number) => rooms[number % rooms.length] ?? []);
}

function codeOf(error: unknown): string {
  return error instanceof HoldfastError ? error.code : String(error);
}

/** Whether a condition came true within the time. */
async function inTime(condition: () => boolean, what: string, timeoutMs: number): Promise<boolean> {
  return waitFor(condition, what, timeoutMs).then(
    () => true,
    () => false,
  );
}
