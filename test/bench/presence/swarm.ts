import { setTimeout as delay } from "node:timers/promises";
import { limits } from "../../../client/src/protocol/limits.ts";
import { connectRaw, type RawClient } from "../../support/raw-websocket.ts";
import { sessionId } from "../../support/unique.ts";
import { serve } from "../../support/worker.ts";
import { atATime } from "../rig/at-a-time.ts";
import { type Counts, Histogram } from "../rig/histogram.ts";

// A process of raw clients that are members, for the bench `presence`: it counts what they are told and keeps nothing.

interface ConnectCall {
  /** Where the servers listen: clients go there in turn. */
  readonly urls: readonly string[];
  readonly clients: number;
}

interface JoinCall {
  /** Clients go there in turn, as many to each as there are of the one before. */
  readonly rooms: readonly string[];
  /** The joins are sent evenly over this time; 0: as soon as the ones before are answered. */
  readonly overMs: number;
}

interface ChurnCall {
  readonly room: string;
  /** Clients that leave. */
  readonly leave: number;
  /** Clients of those that join again. */
  readonly join: number;
}

/** Handshakes, or joins, that are under way at a time. */
const AT_A_TIME = 25;
const ANSWER_MS = 60_000;
const NOTICE = '42["presence:changed"';

interface Answer {
  readonly ok: boolean;
  readonly error?: unknown;
}

interface SwarmClient {
  readonly raw: RawClient;
  notices: number;
}

const clients: SwarmClient[] = [];

async function openClient(url: string): Promise<void> {
  let client: SwarmClient | undefined;
  const onEvent = (packet: string) => {
    if (client !== undefined && packet.startsWith(NOTICE)) client.notices += 1;
  };
  const raw = await connectRaw(url, { onEvent, auth: { protocol: limits.protocolVersion, session: sessionId() } });
  client = { raw, notices: 0 };
  clients.push(client);
}

/** Throws where the answer is a refusal, or the server has closed the connection: it does so where this process is late. */
async function ask({ raw }: SwarmClient, event: string, payload: unknown): Promise<void> {
  const closed = raw.closed.then(
    ({ code }): Answer => ({ ok: false, error: `the connection was closed with ${code}` }),
  );
  const answer = await Promise.race([raw.request(event, payload, ANSWER_MS) as Promise<Answer>, closed]);
  if (!answer.ok) throw new Error(`expected ${event} to succeed, got ${JSON.stringify(answer.error)}`);
}

const functions = {
  /** Resolves with how many were opened, and why it was not more. */
  async connect({ urls, clients: wanted }: ConnectCall): Promise<{ readonly opened: number; readonly error: string }> {
    let error = "";
    const numbers = Array.from({ length: wanted }, (_, index) => index);
    await atATime(AT_A_TIME, numbers, async (index) => {
      if (error !== "") return;
      await openClient(urls[index % urls.length] ?? "").catch((reason: unknown) => {
        error = String(reason);
      });
    });
    return { opened: clients.length, error };
  },

  /** Every client becomes a member of one room; resolves when the last one is. */
  async join({ rooms, overMs }: JoinCall): Promise<void> {
    const perRoom = Math.ceil(clients.length / rooms.length);
    const payloadOf = (index: number) => ({ room: rooms[Math.floor(index / perRoom)] ?? "", presence: true });
    if (overMs === 0) {
      await atATime(AT_A_TIME, clients, (client, index) => ask(client, "room:join", payloadOf(index)));
      return;
    }
    const beganMs = performance.now();
    const joins = clients.map(async (client, index) => {
      await delay(beganMs + (index * overMs) / clients.length - performance.now());
      await ask(client, "room:join", payloadOf(index));
    });
    await Promise.all(joins);
  },

  /** Some clients leave, and some of those join again; resolves when the last one is answered. */
  async churn({ room, leave, join }: ChurnCall): Promise<void> {
    const leaving = clients.slice(0, leave);
    await atATime(AT_A_TIME, leaving, (client) => ask(client, "room:leave", { room }));
    await atATime(AT_A_TIME, leaving.slice(0, join), (client) => ask(client, "room:join", { room, presence: true }));
  },

  /** So many clients join, be they members or not. */
  async rejoin({ room, clients: count }: { readonly room: string; readonly clients: number }): Promise<void> {
    await atATime(AT_A_TIME, clients.slice(0, count), (client) => ask(client, "room:join", { room, presence: true }));
  },

  /** Notifications that each client has had since it was asked last. */
  takeNotices(_: null): Counts {
    const histogram = new Histogram();
    for (const client of clients) {
      histogram.add(client.notices);
      client.notices = 0;
    }
    return histogram.counts;
  },

  open: (_: null): number => clients.filter(({ raw }) => raw.isOpen).length,

  async close(_: null): Promise<void> {
    const closing = clients.splice(0);
    for (const { raw } of closing) raw.terminate();
    await Promise.all(closing.map(({ raw }) => raw.closed));
  },
};

export type PresenceSwarm = typeof functions;
serve(functions);
