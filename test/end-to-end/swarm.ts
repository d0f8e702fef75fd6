import { serve } from "../support/worker.ts";
import { PackageMember, StockMember } from "./members.ts";

// A process of clients, so that the one with the gateway does nothing but pass bytes on.

/** How often a client that does not move is watched: about as often as one whose connection lasts 20 s moves. */
const SAMPLE_MS = 12_500;

export interface OpenCall {
  readonly url: string;
  readonly room: string;
  readonly clients: number;
  readonly stockClients: number;
}

/** What became of a number of members of one kind. */
export interface Outcome {
  readonly members: number;
  /** Messages of the log that a member did not get, over all members. */
  readonly lost: number;
  readonly repeated: number;
  /** Messages that came after a later one of the log, or are not in the log. */
  readonly disordered: number;
  /** How often a member was told that continuity could not be proven. */
  readonly gapEvents: number;
  /** How often a member had no connection. */
  readonly disconnections: number;
  /** Moves of the package's clients, cuts of stock clients. */
  readonly interruptions: number;
  /** The longest time without a delivery, in milliseconds, one for each interruption or sample. */
  readonly gapsMs: readonly number[];
}

export interface Judgement {
  readonly ours: Outcome;
  readonly stock: Outcome;
  /** CPU time of this process since it was started, in microseconds. */
  readonly cpuUs: number;
}

/** Handshakes that are under way at a time. */
const CONNECTING = 10;
const TICK_MS = 5;

const ours: PackageMember[] = [];
const stock: StockMember[] = [];
const published: Promise<void>[] = [];
let timer: NodeJS.Timeout | undefined;
let sampling: NodeJS.Timeout | undefined;

const functions = {
  pid: (_: null): number => process.pid,

  async open({ url, room, clients, stockClients }: OpenCall): Promise<void> {
    for (let opened = 0; opened < clients + stockClients; opened += CONNECTING) {
      const count = Math.min(CONNECTING, clients + stockClients - opened);
      const batch = Array.from({ length: count }, (_, index) => {
        if (opened + index >= clients) return add(stock, new StockMember(url, room));
        return add(ours, new PackageMember(url, room));
      });
      await Promise.all(batch.map(({ ready }) => ready));
    }
  },

  /** Begins to publish at an even rate, the package's clients in turn. */
  publish({ messagesPerSecond, samples }: { readonly messagesPerSecond: number; readonly samples: boolean }): void {
    const startedMs = performance.now();
    if (samples) {
      sampling = setInterval(() => {
        for (const member of ours) member.sample();
      }, SAMPLE_MS);
    }
    timer = setInterval(() => {
      const due = ((performance.now() - startedMs) * messagesPerSecond) / 1000;
      while (published.length < due) {
        const publisher = ours[published.length % ours.length];
        if (publisher === undefined) throw new Error("expected a client that can publish");
        published.push(publisher.publish(`message ${published.length}`));
      }
    }, TICK_MS);
  },

  /** Moves that the client with the fewest has behind it. */
  fewestMoves: (_: null): number => Math.min(...ours.map(({ moves }) => moves)),

  /** Ends publishing; gives back how many messages were published, each acknowledged. */
  async stop(_: null): Promise<number> {
    clearInterval(timer);
    clearInterval(sampling);
    await Promise.all(published);
    return published.length;
  },

  /** Whether this is the newest message that every member has. */
  have: ({ position }: { readonly position: string }): boolean =>
    [...ours, ...stock].every((member) => member.has(position)),

  /** Holds what every member got against the room's log. */
  judge({ log }: { readonly log: readonly string[] }): Judgement {
    const indexes = new Map(log.map((position, index) => [position, index]));
    const { user, system } = process.cpuUsage();
    return { ours: outcome(ours, indexes), stock: outcome(stock, indexes), cpuUs: user + system };
  },
};

function add<Kind>(list: Kind[], member: Kind): Kind {
  list.push(member);
  return member;
}

function outcome(members: readonly (PackageMember | StockMember)[], indexes: ReadonlyMap<string, number>): Outcome {
  const sum = (value: (member: PackageMember | StockMember) => number) =>
    members.reduce((total, member) => total + value(member), 0);
  for (const { gaps } of members) gaps.settle();
  return {
    members: members.length,
    lost: sum(({ positions }) => indexes.size - new Set(positions).size),
    repeated: sum(({ positions }) => positions.length - new Set(positions).size),
    disordered: sum(({ positions }) => disordered(positions, indexes)),
    gapEvents: sum((member) => (member instanceof PackageMember ? member.gapEvents : 0)),
    disconnections: sum((member) => (member instanceof PackageMember ? member.disconnections : member.interruptions)),
    interruptions: sum(({ interruptions }) => interruptions),
    gapsMs: members.flatMap(({ gaps }) => gaps.largestMs),
  };
}

function disordered(positions: readonly string[], indexes: ReadonlyMap<string, number>): number {
  let last = -1;
  return positions.filter((position) => {
    const index = indexes.get(position) ?? -1;
    const isDisordered = index < last || index === -1;
    last = Math.max(last, index);
    return isDisordered;
  }).length;
}

export type Swarm = typeof functions;
serve(functions);
