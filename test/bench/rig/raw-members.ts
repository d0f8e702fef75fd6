import { connectRaw, type RawClient } from "../../support/raw-websocket.ts";
import { messageId } from "../../support/unique.ts";
import { serve } from "../../support/worker.ts";
import { atATime } from "./at-a-time.ts";
import { type Counts, Histogram } from "./histogram.ts";
import { readStamps, stampText } from "./stamp.ts";

// A process of raw WebSocket clients, for benches that measure the servers: it costs as little as a client can.

/** What the members of this process received since they were asked last. */
export interface Received {
  readonly delivered: number;
  /** Messages that came again or after a later one of the same publisher. */
  readonly disordered: number;
  /** Messages that were left out before a later one of the same publisher. */
  readonly missing: number;
  /** Over TCP. */
  readonly receivedBytes: number;
  /** Milliseconds from the publisher's send to a member's receipt. */
  readonly latencyMs: Counts;
  /** Messages in one packet. */
  readonly batchMessages: Counts;
  /** Milliseconds from the first byte of a connection to its being a member. */
  readonly joinMs: Counts;
}

export interface JoinCall {
  readonly url: string;
  readonly room: string;
  readonly members: number;
}

export interface PublishCall {
  readonly urls: readonly string[];
  /** Rooms that the publishers are spread over; each of them publishes to one. */
  readonly rooms: readonly string[];
  /** Publishers on each server; each has its own number. */
  readonly publishersPerUrl: number;
  /** Messages of all publishers together. */
  readonly messages: number;
  readonly messagesPerSecond: number;
  /** Put behind each message's own text, for long ones; default: nothing. */
  readonly filler?: string;
}

/** Handshakes that are under way at a time. */
const CONNECTING = 25;
const TICK_MS = 5;
const ACKNOWLEDGEMENT_MS = 60_000;

class Counted {
  delivered = 0;
  disordered = 0;
  missing = 0;
  readonly latency = new Histogram();
  readonly batch = new Histogram();
  readonly join = new Histogram();
}

const members: RawClient[] = [];
const stopped: RawClient[] = [];
const publishers = new Map<string, { readonly client: RawClient; next: number }>();
let counted = new Counted();
/** What members had received when they were asked last. */
let receivedBefore = 0;

async function openMember({ url, room }: JoinCall): Promise<void> {
  const last: (number | undefined)[] = [];
  const onEvent = (packet: string) => {
    const nowMs = Date.now();
    const found = readStamps(packet, (publisher, number, sentAtMs) => {
      const before = last[publisher];
      if (before !== undefined && number <= before) counted.disordered += 1;
      else if (before !== undefined) counted.missing += number - before - 1;
      last[publisher] = number;
      counted.delivered += 1;
      counted.latency.add(nowMs - sentAtMs);
    });
    if (found > 0) counted.batch.add(found);
  };
  const startMs = performance.now();
  const client = await connectRaw(url, { onEvent });
  await ask(client, "room:join", { room });
  counted.join.add(performance.now() - startMs);
  members.push(client);
}

async function ask(client: RawClient, event: string, payload: unknown): Promise<void> {
  const answer = (await client.request(event, payload, ACKNOWLEDGEMENT_MS)) as { ok: boolean; error?: unknown };
  if (!answer.ok) throw new Error(`expected ${event} to succeed, got ${JSON.stringify(answer.error)}`);
}

async function openPublisher(key: string, url: string): Promise<{ readonly client: RawClient; next: number }> {
  const known = publishers.get(key);
  if (known !== undefined) return known;
  const opened = { client: await connectRaw(url), next: 0 };
  publishers.set(key, opened);
  return opened;
}

async function joinAll(calls: readonly JoinCall[]): Promise<void> {
  const each = calls.flatMap((call) => Array.from({ length: call.members }, () => call));
  await atATime(CONNECTING, each, openMember);
}

const functions = {
  join: (call: JoinCall): Promise<void> => joinAll([call]),

  joinAll,

  /** Opens members that read nothing more as soon as they have joined. */
  async joinAndStop(call: JoinCall): Promise<void> {
    while (stopped.length < call.members) {
      const client = await connectRaw(call.url);
      await ask(client, "room:join", { room: call.room });
      client.pause();
      stopped.push(client);
    }
  },

  /** Ends the connections of those that have stopped, where the server has not. */
  endStopped(_: null): void {
    for (const client of stopped.splice(0)) client.terminate();
  },

  /** Ends all connections of this process, and starts counting from 0. */
  async closeAll(_: null): Promise<void> {
    const open = [...members.splice(0), ...[...publishers.values()].map(({ client }) => client)];
    publishers.clear();
    for (const client of open) client.terminate();
    await Promise.all(open.map(({ closed }) => closed));
    counted = new Counted();
    receivedBefore = 0;
  },

  open: (_: null): number => members.filter(({ isOpen }) => isOpen).length,

  delivered: (_: null): number => counted.delivered,

  /** Gives what was counted, and starts counting from 0. */
  take(_: null): Received {
    const { latency, batch, join, ...rest } = counted;
    counted = new Counted();
    const received = members.reduce((bytes, client) => bytes + client.receivedBytes, 0);
    const receivedBytes = received - receivedBefore;
    receivedBefore = received;
    return { ...rest, receivedBytes, latencyMs: latency.counts, batchMessages: batch.counts, joinMs: join.counts };
  },

  /** Publishes at an even rate, publishers in turn, and resolves when every message is acknowledged. */
  async publish({
    urls,
    rooms,
    publishersPerUrl,
    messages,
    messagesPerSecond,
    filler = "",
  }: PublishCall): Promise<void> {
    const targets = Array.from({ length: publishersPerUrl }, () => urls).flat();
    const opened = await Promise.all(targets.map((url, index) => openPublisher(`${index} ${url}`, url)));
    const acknowledged: Promise<void>[] = [];
    const send = (index: number) => {
      const publisher = index % opened.length;
      const own = opened[publisher];
      const room = rooms[publisher % rooms.length];
      if (own === undefined || room === undefined) return;
      const text = stampText({ publisher, number: own.next, sentAtMs: Date.now() }) + filler;
      own.next += 1;
      acknowledged.push(
        ask(own.client, "message:publish", { room, id: messageId(), event: "chat:message", data: { text } }),
      );
    };
    const startedMs = performance.now();
    for (let sent = 0; sent < messages; ) {
      const due = Math.min(messages, Math.ceil(((performance.now() - startedMs) * messagesPerSecond) / 1000));
      for (; sent < due; sent += 1) send(sent);
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
    await Promise.all(acknowledged);
  },
};

export type RawMembers = typeof functions;
serve(functions);
