import { createClient } from "redis";
import { timePasses } from "../../support/wait.ts";
import type { Deployment } from "../rig/deployment.ts";

/** Two periods of what each instance checks. */
const IDLE_MS = 30_000;

/** What members cost where nothing happens. */
export interface IdleCost {
  readonly commandsPerMemberMinute: number;
  /** The probes of the links and the checks of the rooms' logs, which are there without members, too. */
  readonly otherCommandsPerMemberMinute: number;
  readonly bytesPerMember: number;
}

/** What an instance sent to Redis, by what it was for. */
interface SentCommands {
  /** With a key of members, or of the leases of instances. */
  readonly presence: number;
  /** The probes of the links, and checks of logs alone. */
  readonly others: number;
}

interface KeyMemory {
  readonly bytes: number;
  readonly keys: number;
}

/**
 * Sorts a line of Redis' MONITOR. What a script calls is part of the command that ran it, and not counted; nor is what
 * the bench itself asks.
 *
 * @returns undefined for what is not counted
 */
export function purposeOf(line: string): keyof SentCommands | undefined {
  const [, source = "", rest = ""] = /^[\d.]+ \[\d+ (\S+)\] (.*)$/s.exec(line) ?? [];
  if (source === "" || source === "lua") return undefined;
  return /:presence(?::|")|:leases"/.test(rest) ? "presence" : "others";
}

/** Counts what all clients of a Redis send in this time. */
async function countSent(redisUrl: string, forMs: number): Promise<SentCommands> {
  const client = createClient({ url: redisUrl });
  client.on("error", () => undefined);
  await client.connect();
  const sent = { presence: 0, others: 0 };
  try {
    await client.monitor((line) => {
      const purpose = purposeOf(String(line));
      if (purpose !== undefined) sent[purpose] += 1;
    });
    // The time over which is measured.
    await timePasses(forMs);
    return { ...sent };
  } finally {
    client.destroy();
  }
}

/** Memory of all keys of members in a Redis, each with its name. */
async function membersMemory(redisUrl: string): Promise<KeyMemory> {
  const client = createClient({ url: redisUrl });
  client.on("error", () => undefined);
  await client.connect();
  try {
    const memory = { bytes: 0, keys: 0 };
    for await (const keys of client.scanIterator({ MATCH: "*:presence:*", COUNT: 1_000 })) {
      const sizes = await Promise.all(keys.map((key) => client.memoryUsage(key, { SAMPLES: 0 })));
      memory.keys += keys.length;
      memory.bytes += sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
    }
    return memory;
  } finally {
    client.destroy();
  }
}

/** Waits for a while in which nothing happens, and gives what it has cost. */
export async function idleCost(deployment: Deployment, members: number): Promise<IdleCost> {
  const { presence: own, others } = await countSent(deployment.redis.url, IDLE_MS);
  const { bytes } = await membersMemory(deployment.redis.url);
  const perMemberMinute = (commands: number) => (commands * 60_000) / IDLE_MS / members;
  return {
    commandsPerMemberMinute: perMemberMinute(own),
    otherCommandsPerMemberMinute: perMemberMinute(others),
    bytesPerMember: bytes / members,
  };
}
