import { setTimeout as delay } from "node:timers/promises";
import { serve } from "../../support/worker.ts";
import { stampText } from "../rig/stamp.ts";
import { type ApplicationClient, type ClientKind, type ClientOptions, openClient } from "./application-client.ts";
import { Line } from "./line.ts";
import { type Acknowledged, MemberRecord, type Summary, summarize } from "./member-record.ts";

// A process of clients as applications use them, for benches that measure what an application sees in bad weather.

interface OpenCall {
  readonly kind: ClientKind;
  readonly room: string;
  readonly clients: number;
  /** Where the servers listen: clients go there in turn, and stay there when they come back. */
  readonly ports: readonly number[];
  readonly onlineHint: boolean;
}

interface PublishCall {
  /** At most: `stopPublishing` ends it earlier. */
  readonly messages: number;
  readonly messagesPerSecond: number;
}

/** From so many milliseconds to so many, at random. */
type Range = readonly [number, number];

interface CutsCall {
  /** How long each client has its connection before its first cut, … */
  readonly firstMs: Range;
  /** … and before each one that follows. */
  readonly nextMs: Range;
  readonly offlineMs: number;
  readonly forMs: number;
}

/** Clients that are opened at a time. */
const CONNECTING = 25;

interface Member {
  readonly line: Line;
  readonly record: MemberRecord;
  readonly client: ApplicationClient;
}

const members: Member[] = [];
let isPublishing = false;

function openMember({ ports, ...options }: Omit<ClientOptions, "line"> & Pick<OpenCall, "ports">): Member {
  const line = new Line([ports[members.length % ports.length] ?? 0]);
  const record = new MemberRecord();
  const client = openClient(
    { ...options, line },
    {
      up: () => record.up(),
      down: () => record.down(line.onlineAtMs),
      moved: () => record.moved(),
      message: (stamp, takenAtMs) => record.take(stamp, takenAtMs),
      gap: () => {
        record.gaps += 1;
      },
    },
  );
  const member = { line, record, client };
  members.push(member);
  return member;
}

async function cutAgainAndAgain({ line }: Member, { firstMs, nextMs, offlineMs, forMs }: CutsCall): Promise<void> {
  const endMs = Date.now() + forMs;
  for (let [from, to] = firstMs; ; [from, to] = nextMs) {
    const waitMs = from + Math.random() * (to - from);
    if (Date.now() + waitMs + offlineMs >= endMs) return;
    await delay(waitMs);
    line.cut(offlineMs);
    await delay(offlineMs);
  }
}

const functions = {
  async open({ clients, ...options }: OpenCall): Promise<void> {
    for (let opened = 0; opened < clients; opened += CONNECTING) {
      const count = Math.min(CONNECTING, clients - opened);
      await Promise.all(Array.from({ length: count }, () => openMember(options).client.ready));
    }
  },

  /** Publishes at an even rate, clients in turn; resolves with what was acknowledged when all is settled. */
  async publish({ messages, messagesPerSecond }: PublishCall): Promise<readonly Acknowledged[]> {
    const settled: Promise<Acknowledged | undefined>[] = [];
    const startedMs = performance.now();
    isPublishing = true;
    for (let sent = 0; sent < messages && isPublishing; sent += 1) {
      await delay((sent * 1000) / messagesPerSecond - (performance.now() - startedMs));
      const publisher = sent % members.length;
      const number = Math.floor(sent / members.length);
      const text = stampText({ publisher, number, sentAtMs: Date.now() });
      const published = members[publisher]?.client.publish(text);
      settled.push(
        published?.then(
          () => ({ publisher, number }),
          () => undefined,
        ) ?? Promise.resolve(undefined),
      );
    }
    return (await Promise.all(settled)).filter((message) => message !== undefined);
  },

  stopPublishing(_: null): void {
    isPublishing = false;
  },

  /** Cuts every client again and again; resolves, within the given time, when the last cut one can come back. */
  async cutForAWhile(call: CutsCall): Promise<void> {
    await Promise.all(members.map((member) => cutAgainAndAgain(member, call)));
  },

  cutAll({ offlineMs }: { readonly offlineMs: number }): void {
    for (const { line } of members) line.cut(offlineMs);
  },

  /** Sends all connections from now on to these servers, as a load balancer does that has lost the others. */
  route({ ports }: { readonly ports: readonly number[] }): void {
    for (const { line } of members) line.ports = ports;
  },

  state: (_: null) => ({
    delivered: members.reduce((sum, { record }) => sum + record.delivered, 0),
    down: members.filter(({ record }) => record.isDown).length,
  }),

  summarize: ({ acknowledged }: { readonly acknowledged: readonly Acknowledged[] }): Summary =>
    summarize(
      members.map(({ record }) => record),
      acknowledged,
    ),

  attempts: (_: null): number => members.reduce((sum, { line }) => sum + line.attempts, 0),
};

export type ApplicationClients = typeof functions;
serve(functions);
