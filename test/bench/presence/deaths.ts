import { sessionId, uniqueRoom } from "../../support/unique.ts";
import { timePasses, waitFor } from "../../support/wait.ts";
import { progress } from "../bench.ts";
import type { Deployment } from "../rig/deployment.ts";
import { type Counts, Histogram } from "../rig/histogram.ts";
import { openMember } from "./member.ts";
import { type PresenceWatcher, watchMembers } from "./watcher.ts";

const MEMBERS_EACH = 15;
/** Longer than the first lease of a Redis and the calm after it, in which nobody is taken for dead. */
const AGE_MS = 16_000;
/** Between two deaths, so that they come at different moments of the leases, which are renewed every 5 s. */
const BETWEEN_MS = 900;
/** After the last one is gone: a second announcement would come in this time. */
const REPEAT_MS = 3_000;

export interface Deaths {
  /** Milliseconds from the signal until a watcher sees a member gone: one for each member and watcher. */
  readonly killedMs: Counts;
  readonly frozenMs: Counts;
  /** Members of dead instances, once for each watcher. */
  readonly expected: number;
  /** Notifications that said that one of them left. */
  readonly announcements: number;
}

/** Kills half of the instances behind the first few, stops the other half, and watches their members go. */
export async function measureDeaths(deployment: Deployment, survivors: number): Promise<Deaths> {
  const deaths = deployment.servers.length - survivors;
  const room = uniqueRoom("deaths");
  const watchers = await Promise.all(deployment.urls.slice(0, survivors).map((url) => watchMembers(url, room)));
  const victims: string[][] = [];
  for (let index = 0; index < deaths; index += 1) {
    const sessions = Array.from({ length: MEMBERS_EACH }, sessionId);
    const { url } = deployment.server(survivors + index);
    // Their connections end with the processes.
    await Promise.all(sessions.map((session) => openMember(url, room, session)));
    victims.push(sessions);
  }
  const there = survivors + deaths * MEMBERS_EACH;
  await waitFor(() => watchers.every(({ count }) => count === there), `${there} members to be seen`, 20_000);
  // A time that belongs to the scene: the deaths of an instance that has lived for a while are measured.
  await timePasses(AGE_MS);
  const [killed, frozen] = [new Histogram(), new Histogram()];
  const watched = victims.map(async (sessions, index) => {
    const isKilled = index % 2 === 0;
    await timePasses(index * BETWEEN_MS);
    const diedMs = die(deployment, survivors + index, isKilled);
    await seesGone(watchers, sessions);
    const histogram = isKilled ? killed : frozen;
    for (const { goneAtMs } of watchers) {
      for (const session of sessions) histogram.add((goneAtMs.get(session) ?? Number.NaN) - diedMs);
    }
  });
  await Promise.all(watched);
  // A time in which something must not happen.
  await timePasses(REPEAT_MS);
  progress(`deaths: ${deaths} instances are gone`);
  for (const watcher of watchers) watcher[Symbol.dispose]();
  const announcements = watchers.reduce((sum, watcher) => sum + announced(watcher, victims.flat()), 0);
  return {
    killedMs: killed.counts,
    frozenMs: frozen.counts,
    expected: victims.flat().length * watchers.length,
    announcements,
  };
}

function die(deployment: Deployment, index: number, isKilled: boolean): number {
  deployment.server(index).signal(isKilled ? "SIGKILL" : "SIGSTOP");
  return performance.now();
}

async function seesGone(watchers: readonly PresenceWatcher[], sessions: readonly string[]): Promise<void> {
  const isGone = ({ goneAtMs }: PresenceWatcher) => sessions.every((session) => goneAtMs.has(session));
  await waitFor(() => watchers.every(isGone), "the members of a dead instance to be gone", 60_000);
}

function announced({ announcements }: PresenceWatcher, sessions: readonly string[]): number {
  return sessions.reduce((sum, session) => sum + (announcements.get(session) ?? 0), 0);
}
