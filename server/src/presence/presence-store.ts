import { randomBytes } from "node:crypto";
import { ErrorReply } from "redis";
import { type CheckRider, checkAlongWith } from "../log/check-script.ts";
import type { RedisClient } from "../redis/redis-client.ts";
import { runScript, type Script, script } from "../redis/scripts.ts";
import type { SupervisedClient } from "../redis/supervised-client.ts";
import applySource from "./apply.lua";
import checkSource from "./check.lua";
import type { PresenceKeys } from "./keys.ts";
import listSource from "./list.lua";
import { type PresenceMode, parseStored, type StoredMember } from "./member.ts";
import type { MemberVersion } from "./member-version.ts";
import reapSource from "./reap.lua";
import roomSource from "./room.lua";

export interface PresenceStoreOptions {
  readonly redis: Pick<SupervisedClient, "run">;
  readonly keysOf: (room: string) => PresenceKeys;
  /** Members up to which changes are published one by one. */
  readonly announceMax: number;
  /** How long the members of a room are kept that no instance looks after. */
  readonly ttlSeconds: number;
}

/** A change that an instance makes, as apply.lua describes it. */
export interface WrittenChange {
  readonly kind: "add" | "restore" | "end" | "leave";
  readonly session: string;
  readonly holder: string;
  readonly userJson: string;
  readonly stateJson: string;
  /** The same holder under another name of its instance, or "". */
  readonly otherHolder: string;
  readonly joinedAtMs: number | undefined;
}

/** What a change has done. */
export interface Outcome {
  readonly did: "joined" | "kept" | "left" | "refused" | "nothing";
  readonly joinedAtMs: number | undefined;
}

/** Where a room's members stand. */
export interface RoomHead {
  readonly redisNowMs: number;
  readonly version: MemberVersion;
  readonly count: number;
  readonly mode: PresenceMode;
  /** A count waits to be published: by an `apply` without changes, a moment later. */
  readonly owesCount: boolean;
}

export interface ListedMembers {
  readonly head: RoomHead;
  /** Names of all instances that have members in the room. */
  readonly instances: readonly string[];
  /** "0" where there is nothing more. */
  readonly cursor: string;
  readonly members: readonly StoredMember[];
}

export interface Reaped {
  readonly head: RoomHead;
  readonly left: readonly { readonly session: string; readonly user: string | null }[];
}

/** What a check has found. */
export interface Checked {
  readonly head: RoomHead;
  /** Name of an instance -> holders that it has in the room. */
  readonly holders: ReadonlyMap<string, number>;
}

/** A change that Redis may have carried out, or may carry out yet: nobody knows. */
export class OutcomeUnknown extends Error {}

const applyScript = script({}, roomSource, applySource);
// What removes members frees memory, and must run where Redis is full.
const endScript = script({ flags: "allow-oom" }, roomSource, applySource);
const reapScript = script({ flags: "allow-oom" }, roomSource, reapSource);
const listScript = script({ flags: "allow-oom" }, roomSource, listSource);
const checkScript = script({ flags: "allow-oom" }, roomSource, checkSource);
const checkAlongScript = checkAlongWith(roomSource, checkSource);

/** Members that one call of reap.lua looks at, about: some milliseconds of Redis' time. */
const reapedAtATime = 2_000;

/** The members of rooms in Redis. */
export class PresenceStore {
  readonly #options: PresenceStoreOptions;

  constructor(options: PresenceStoreOptions) {
    this.#options = options;
  }

  /**
   * Carries out changes, or publishes a count that waits where there are none. Returns "late" where Redis' time is beyond
   * `untilMs`. Throws OutcomeUnknown, and UNAVAILABLE where nothing was carried out.
   */
  async apply(
    room: string,
    by: string,
    untilMs: number,
    changes: readonly WrittenChange[],
  ): Promise<{ readonly head: RoomHead; readonly outcomes: readonly Outcome[] } | "late"> {
    const args = [String(untilMs)];
    for (const { kind, session, holder, userJson, stateJson, otherHolder, joinedAtMs } of changes) {
      args.push(kind, session, holder, userJson, stateJson, otherHolder, joinedAtMs?.toString() ?? "");
    }
    const frees = changes.every(({ kind }) => kind === "end" || kind === "leave");
    const answer = await this.#run(frees ? endScript : applyScript, room, by, args);
    if (answer[0] === "LATE") return "late";
    const { head, rest } = parseHead(answer);
    return { head, outcomes: rest.map(parseOutcome) };
  }

  /** Removes the holders of an instance that is gone. Throws UNAVAILABLE. */
  async reap(room: string, by: string, instance: string): Promise<Reaped> {
    const left: { session: string; user: string | null }[] = [];
    for (let cursor = "0"; ; ) {
      const { head, rest } = parseHead(
        await this.#run(reapScript, room, by, [instance, cursor, String(reapedAtATime)]),
      );
      const [next = "0", ...gone] = rest;
      for (let at = 0; at < gone.length; at += 2) {
        const user: unknown = JSON.parse(gone[at + 1] ?? "null");
        left.push({ session: gone[at] ?? "", user: typeof user === "string" ? user : null });
      }
      cursor = next;
      if (cursor === "0") return { head, left };
    }
  }

  /** All members where their changes are published one by one, none otherwise. Throws UNAVAILABLE. */
  whole(room: string, by: string): Promise<ListedMembers> {
    return this.#list(room, by, ["", "0", "0", "whole"]);
  }

  /** A page of members. Throws UNAVAILABLE. */
  page(
    room: string,
    by: string,
    cursor: { epoch: string; at: string } | undefined,
    limit: number,
  ): Promise<ListedMembers> {
    return this.#list(room, by, [cursor?.epoch ?? "", cursor?.at ?? "0", String(limit), "page"]);
  }

  /** Where the room stands, and how many holders each instance has in it; keeps it from expiring. Throws UNAVAILABLE. */
  async check(room: string, by: string): Promise<Checked> {
    return parseChecked(await this.#run(checkScript, room, by, []));
  }

  /** The same question, to be asked along with the check of the room's log. */
  checkRider(room: string, by: string, take: (checked: Checked) => void): CheckRider {
    return {
      script: checkAlongScript,
      keys: this.#keys(room),
      args: this.#args(by),
      take: (answer) => take(parseChecked(answer.map(String))),
    };
  }

  async #list(room: string, by: string, args: string[]): Promise<ListedMembers> {
    const { head, rest } = parseHead(await this.#run(listScript, room, by, args));
    const [cursor = "0", instanceCount = "0", ...others] = rest;
    const instances = others.slice(0, Number(instanceCount));
    const texts = others.slice(instances.length);
    const members: StoredMember[] = [];
    for (let at = 0; at < texts.length; at += 3) {
      members.push(parseStored(texts[at] ?? "", texts[at + 1] ?? "", texts[at + 2] ?? ""));
    }
    return { head, instances, cursor, members };
  }

  async #run(which: Script, room: string, by: string, args: string[]): Promise<readonly string[]> {
    const { redis } = this.#options;
    let isUnknown = false;
    const observed = {
      run: <Reply>(command: (client: RedisClient) => Promise<Reply>) =>
        redis.run((client) => {
          isUnknown = true;
          return command(client).catch((error: unknown) => {
            // Redis has answered, so it is known that the script has not run.
            isUnknown = !(error instanceof ErrorReply);
            throw error;
          });
        }),
    };
    try {
      const answer = await runScript(observed, which, this.#keys(room), [...this.#args(by), ...args]);
      return (answer as readonly unknown[]).map(String);
    } catch (error) {
      if (isUnknown) throw new OutcomeUnknown("the answer of Redis is missing", { cause: error });
      throw error;
    }
  }

  /** As room.lua takes them. */
  #keys(room: string): [string, ...string[]] {
    const { members, states, instances, version, channel } = this.#options.keysOf(room);
    return [members, states, instances, version, channel];
  }

  #args(by: string): string[] {
    const { announceMax, ttlSeconds } = this.#options;
    return [randomBytes(5).toString("hex"), String(announceMax), String(ttlSeconds), by];
  }
}

function parseChecked(answer: readonly string[]): Checked {
  const { head, rest } = parseHead(answer);
  const holders = new Map<string, number>();
  for (let at = 0; at < rest.length; at += 2) holders.set(rest[at] ?? "", Number(rest[at + 1]));
  return { head, holders };
}

function parseHead(answer: readonly string[]): { readonly head: RoomHead; readonly rest: readonly string[] } {
  const [now, epoch = "0", n, count, mode, owes, ...rest] = answer;
  const head: RoomHead = {
    redisNowMs: Number(now),
    version: { epoch, n: Number(n) },
    count: Number(count),
    mode: mode === "count" ? "count" : "members",
    owesCount: owes === "1",
  };
  return { head, rest };
}

function parseOutcome(text: string): Outcome {
  const [did, joined] = text.split(" ");
  const joinedAtMs = joined === undefined ? undefined : Number(joined);
  switch (did) {
    case "joined":
    case "kept":
    case "left":
    case "refused":
      return { did, joinedAtMs };
    default:
      return { did: "nothing", joinedAtMs };
  }
}
