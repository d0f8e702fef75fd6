import { seededRandom } from "../../support/random.ts";
import { connectRaw, type RawClient } from "../../support/raw-websocket.ts";
import { messageId } from "../../support/unique.ts";
import { serve } from "../../support/worker.ts";
import { atATime } from "../rig/at-a-time.ts";
import { Histogram } from "../rig/histogram.ts";
import type { JoinCall, PublishCall, RawMembers, Received } from "../rig/raw-members.ts";
import { record } from "./records.ts";
import type { Stamp } from "./shared-inflating.ts";
import { WireMember } from "./wire-member.ts";

// A process of members that take deflated frames, and of publishers that send records; the same functions as raw-members.ts.

const CONNECTING = 25;
const TICK_MS = 5;
const ACKNOWLEDGEMENT_MS = 60_000;

class Counted {
  delivered = 0;
  disordered = 0;
  missing = 0;
  readonly latency = new Histogram();
  readonly batch = new Histogram();
}

const random = seededRandom(1);
const members: WireMember[] = [];
const publishers = new Map<string, { readonly client: RawClient; next: number }>();
let counted = new Counted();
let receivedBefore = 0;

async function openMember({ url, room }: JoinCall): Promise<void> {
  const last: (number | undefined)[] = [];
  const onMessages = (stamps: readonly Stamp[]) => {
    const nowMs = Date.now();
    for (const [publisher, number, sentAtMs] of stamps) {
      const before = last[publisher];
      if (before !== undefined && number <= before) counted.disordered += 1;
      else if (before !== undefined) counted.missing += number - before - 1;
      last[publisher] = number;
      counted.delivered += 1;
      counted.latency.add(nowMs - sentAtMs);
    }
    counted.batch.add(stamps.length);
  };
  const member = new WireMember(url, room, onMessages);
  await member.joined();
  members.push(member);
}

async function openPublisher(key: string, url: string): Promise<{ readonly client: RawClient; next: number }> {
  const known = publishers.get(key);
  if (known !== undefined) return known;
  const opened = { client: await connectRaw(url, { deflates: true }), next: 0 };
  publishers.set(key, opened);
  return opened;
}

async function publish(client: RawClient, payload: unknown): Promise<void> {
  const answer = (await client.request("message:publish", payload, ACKNOWLEDGEMENT_MS)) as { ok: boolean };
  if (!answer.ok) throw new Error(`expected a publish to succeed, got ${JSON.stringify(answer)}`);
}

const functions = {
  joinAll: (calls: readonly JoinCall[]): Promise<void> =>
    atATime(
      CONNECTING,
      calls.flatMap((call) => Array.from({ length: call.members }, () => call)),
      openMember,
    ),

  delivered: (_: null): number => counted.delivered,

  take(_: null): Received {
    const { latency, batch, ...rest } = counted;
    counted = new Counted();
    const received = members.reduce((bytes, member) => bytes + member.receivedBytes, 0);
    const receivedBytes = received - receivedBefore;
    receivedBefore = received;
    return { ...rest, receivedBytes, latencyMs: latency.counts, batchMessages: batch.counts, joinMs: [] };
  },

  async publish({ urls, rooms, publishersPerUrl, messages, messagesPerSecond }: PublishCall): Promise<void> {
    const targets = Array.from({ length: publishersPerUrl }, () => urls).flat();
    const opened = await Promise.all(targets.map((url, index) => openPublisher(`${index} ${url}`, url)));
    const acknowledged: Promise<void>[] = [];
    const send = (index: number) => {
      const publisher = index % opened.length;
      const own = opened[publisher];
      const room = rooms[publisher % rooms.length];
      if (own === undefined || room === undefined) return;
      const data = { text: `${publisher}/${own.next}/${Date.now()}/`, ...record(random, index) };
      own.next += 1;
      acknowledged.push(publish(own.client, { room, id: messageId(), event: "record", data }));
    };
    const startedMs = performance.now();
    for (let sent = 0; sent < messages; ) {
      const due = Math.min(messages, Math.ceil(((performance.now() - startedMs) * messagesPerSecond) / 1000));
      for (; sent < due; sent += 1) send(sent);
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
    await Promise.all(acknowledged);
  },
} satisfies Pick<RawMembers, "joinAll" | "delivered" | "take" | "publish">;

serve(functions);
