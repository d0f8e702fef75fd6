import { uniqueRoom } from "../../support/unique.ts";
import { timePasses, waitFor } from "../../support/wait.ts";
import { progress } from "../bench.ts";
import type { Deployment } from "../rig/deployment.ts";
import { type Counts, Histogram } from "../rig/histogram.ts";
import { type Crowd, countAfterChurn, joinAll, readWholeList, type Storm } from "./crowd.ts";
import { type PresenceWatcher, watchMembers } from "./watcher.ts";

const JOIN_MS = 10_000;
/** After the last join: the last notification comes within a tick. */
const QUIET_MS = 2_000;
const LISTS = 20;
const CHURNS = 8;
/** Members of each process that leave in a round of churn. */
const CHURN_MEMBERS = 100;

/** What was measured in one big room. */
export interface BigRoom {
  readonly members: number;
  readonly storm: Storm;
  readonly notices: Counts;
  readonly firstPageMs: Counts;
  readonly wholeListMs: Counts;
  /** Lists that did not have every member. */
  readonly incomplete: number;
  readonly countMs: Counts;
}

/** Everything that is measured in the big room but what it costs to be idle. */
export async function measureBigRoom(deployment: Deployment, crowd: Crowd): Promise<BigRoom> {
  const room = uniqueRoom("big");
  const storm = await joinAll(crowd, deployment, room, JOIN_MS);
  await timePasses(QUIET_MS);
  const notices = await crowd.takeNotices();
  progress(`${crowd.clients} have joined in ${Math.round(storm.tookMs)} ms`);
  const watchers = await Promise.all(deployment.urls.map((url) => watchMembers(url, room)));
  const members = crowd.clients + watchers.length;
  await waitFor(() => watchers.every(({ count }) => count === members), `a count of ${members}`, 30_000);
  const lists = await measureLists(deployment, room, members);
  progress(`${LISTS} lists are read`);
  const countMs = await measureCounts(crowd, room, watchers);
  progress(`${CHURNS} rounds of churn`);
  return { members, storm, notices, ...lists, countMs };
}

async function measureLists(deployment: Deployment, room: string, members: number) {
  const [first, whole] = [new Histogram(), new Histogram()];
  let incomplete = 0;
  for (let index = 0; index < LISTS; index += 1) {
    const list = await readWholeList(deployment.server(index % deployment.servers.length).url, room);
    first.add(list.firstMs);
    whole.add(list.wholeMs);
    if (list.members !== members) incomplete += 1;
  }
  return { firstPageMs: first.counts, wholeListMs: whole.counts, incomplete };
}

async function measureCounts(crowd: Crowd, room: string, watchers: readonly PresenceWatcher[]): Promise<Counts> {
  const histogram = new Histogram();
  for (let round = 0; round < CHURNS; round += 1) {
    histogram.add(await countAfterChurn(crowd, room, watchers, CHURN_MEMBERS));
  }
  return histogram.counts;
}
