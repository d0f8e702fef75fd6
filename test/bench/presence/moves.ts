import type { RawClient } from "../../support/raw-websocket.ts";
import { sessionId, uniqueRoom } from "../../support/unique.ts";
import { timePasses, waitFor } from "../../support/wait.ts";
import { progress } from "../bench.ts";
import type { Deployment } from "../rig/deployment.ts";
import { openMember } from "./member.ts";
import { watchMembers } from "./watcher.ts";

const MEMBERS = 100;
/** A cut lasts at most so long: less than half of the grace, whatever the machine does beside it. */
const LONGEST_CUT_MS = 3_500;
/** The longest time for which a member that was cut is shown, and a notification after it. */
const LATE_MS = 10_000;

export interface Moves {
  readonly moves: number;
  readonly cuts: number;
  /** Shown to the watchers of both instances together, of members that were there all the time. */
  readonly joins: number;
  readonly leaves: number;
}

/**
 * Members that move as a client does, make before break, and members that are cut and come back, to another instance or
 * the same. Then one leaves for good, so that it is certain that the watchers see a leave.
 */
export async function measureMoves(deployment: Deployment, count: number): Promise<Moves> {
  const instances = deployment.servers.length;
  const room = uniqueRoom("moves");
  const watchers = await Promise.all(deployment.urls.map((url) => watchMembers(url, room)));
  const urlOf = (index: number) => deployment.server(index % instances).url;
  const open = async (index: number) => {
    const session = sessionId();
    return { session, at: index, client: await openMember(urlOf(index), room, session) };
  };
  const members = await Promise.all(Array.from({ length: MEMBERS }, (_, index) => open(index)));
  const there = MEMBERS + instances;
  await waitFor(
    () => watchers.every(({ members: seen }) => seen.size === there),
    `${there} members to be seen`,
    20_000,
  );
  const before = watchers.map(({ shown }) => ({ ...shown }));

  const each = Math.ceil(count / MEMBERS);
  await Promise.all(
    members.map(async (member, index) => {
      for (let round = 0; round < each; round += 1) {
        await timePasses(Math.random() * 1_000);
        member.at += 1;
        const next = await openMember(urlOf(member.at), room, member.session);
        end(member.client);
        member.client = next;
      }
      for (let round = 0; round < each; round += 1) {
        if (round % 2 === 0) member.client.reset();
        else member.client.terminate();
        await timePasses(Math.random() * LONGEST_CUT_MS);
        member.at += (index + round) % 2;
        member.client = await openMember(urlOf(member.at), room, member.session);
      }
    }),
  );
  // A time in which something must not happen: what was taken for a leave would be told at the end of the grace.
  await timePasses(LATE_MS);
  progress(`moves: ${each * MEMBERS} moves and as many cuts`);
  const shown = (kind: "joins" | "leaves") =>
    watchers.reduce((sum, watcher, index) => sum + watcher.shown[kind] - (before[index]?.[kind] ?? 0), 0);
  const result = { moves: each * MEMBERS, cuts: each * MEMBERS, joins: shown("joins"), leaves: shown("leaves") };
  const [last] = members;
  if (last !== undefined) end(last.client);
  await waitFor(
    () => watchers.every(({ members: seen }) => last !== undefined && !seen.has(last.session)),
    "a leave to be seen",
  );
  for (const watcher of watchers) watcher[Symbol.dispose]();
  for (const { client } of members) client.terminate();
  return result;
}

/** Leaves the namespace and closes, as socket.io-client does. */
function end(client: RawClient): void {
  client.send("41");
  client.close();
}
