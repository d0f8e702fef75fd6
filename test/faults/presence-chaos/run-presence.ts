import { pick, type Random, randomInteger, seededRandom } from "../../support/random.ts";
import { startRedis } from "../../support/redis-server.ts";
import { askData, connectStock } from "../../support/stock-client.ts";
import { uniquePrefix } from "../../support/unique.ts";
import { timePasses, waitFor } from "../../support/wait.ts";
import { Instance } from "../chaos/instance.ts";
import { ChaosMember, type Shown } from "./chaos-member.ts";

export interface PresenceChaosOptions {
  readonly seed: number;
  /** Of faults; a third of them are such that nobody may be seen to join or leave. */
  readonly seconds: number;
}

export interface PresenceChaosReport {
  readonly options: PresenceChaosOptions;
  readonly happened: ReadonlyMap<string, number>;
  /** Joins and leaves that were shown while every session was there all the time. */
  readonly falseEvents: readonly Shown[];
  /** What did not agree with the sessions that were really connected, after the time that is promised. */
  readonly differences: readonly string[];
  /** How long after the last fault all agreed. */
  readonly agreedAfterMs: number;
  readonly crashes: number;
  readonly instanceOutputs: readonly string[];
}

const leaseSeconds = 3;
const graceSeconds = 4;
/** Who was cut in the moment before its instance died is shown for a grace and a lease; 1 s for clocks, and for work. */
const promisedMs = (graceSeconds + leaseSeconds + 2) * 1000;
const instanceCount = 3;
const memberCount = 18;
const roomNames = ["red", "green", "blue"];
const settleTimeoutMs = 60_000;

interface Scene {
  readonly random: Random;
  readonly redis: Awaited<ReturnType<typeof startRedis>>;
  readonly instances: readonly Instance[];
  readonly members: ChaosMember[];
  /** Somebody else comes, to stay. */
  readonly arrive: () => void;
}

type Fault = (scene: Scene) => void | Promise<void>;

const pause = (random: Random, fromMs: number, toMs: number) => timePasses(randomInteger(random, fromMs, toMs));

/** After these nobody may be seen to join or to leave. */
const harmless: Readonly<Record<string, Fault>> = {
  "cut clients": ({ random, members }) => {
    for (const member of members) if (random() < 0.3) member.cut();
  },
  "move clients": async ({ random, members }) => {
    await Promise.all(members.filter(() => random() < 0.5).map((member) => member.move()));
  },
  "change states": async ({ random, members }) => {
    await Promise.all(members.filter(() => random() < 0.5).map((member) => member.update()));
  },
  "cut an instance from Redis": ({ random, instances }) => void pick(random, instances)?.redisLine?.cut(),
};

/** These end sessions, or may. */
const harmful: Readonly<Record<string, Fault>> = {
  ...harmless,
  "kill an instance": async ({ random, instances }) => {
    const instance = pick(random, instances);
    await instance?.kill();
    await pause(random, 0, 2_000);
    await instance?.start();
  },
  "end an instance": async ({ random, instances }) => {
    const instance = pick(random, instances);
    await instance?.stop();
    await pause(random, 0, 2_000);
    await instance?.start();
  },
  "freeze an instance": async ({ random, instances }) => {
    const instance = pick(random, instances);
    instance?.freeze();
    await pause(random, 1_000, 9_000);
    instance?.thaw();
  },
  "silence an instance's line to Redis": async ({ random, instances }) => {
    const line = pick(random, instances)?.redisLine;
    line?.silence();
    await pause(random, 1_000, 7_000);
    line?.endSilence(random() < 0.5 ? "reset" : "heal");
  },
  "restart Redis with its data": ({ redis }) => redis.restart({ keepData: true }),
  "restart Redis without its data": ({ redis }) => redis.restart({ keepData: false }),
  "freeze Redis": async ({ random, redis }) => {
    redis.freeze();
    await pause(random, 500, 5_000);
    redis.thaw();
  },
  "a client leaves, another comes": ({ random, members, arrive }) => {
    pick(random, members)?.end();
    arrive();
  },
};

/** Members of some rooms on real server processes, in bad weather; then good weather, and everybody must agree. */
export async function runPresenceChaos(options: PresenceChaosOptions): Promise<PresenceChaosReport> {
  const random = seededRandom(options.seed);
  await using redis = await startRedis({ persist: true });
  const env = {
    KEY_PREFIX: uniquePrefix(),
    DRAIN_SECONDS: "1",
    PRESENCE_LEASE_SECONDS: String(leaseSeconds),
    PRESENCE_GRACE_SECONDS: String(graceSeconds),
  };
  const instances = await Promise.all(
    Array.from({ length: instanceCount }, (_, number) => Instance.start({ number, env, redisPort: redis.port })),
  );
  const shown: Shown[] = [];
  const members: ChaosMember[] = [];
  const pickUrl = () => {
    const routed = instances.filter(({ isRouted }) => isRouted);
    return urlOf(routed[Math.floor(Math.random() * routed.length)] ?? instances[0]);
  };
  const arrive = () => {
    const rooms = roomNames.filter((_, at) => (members.length + at) % 3 > 0);
    members.push(new ChaosMember(rooms, pickUrl, shown));
  };
  const scene: Scene = { random, redis, instances, members, arrive };
  const happened = new Map<string, number>();
  try {
    for (let at = 0; at < memberCount; at += 1) arrive();
    await settled(scene);
    const before = shown.length;
    await rain(scene, harmless, (options.seconds * 1000) / 3, happened);
    await settled(scene);
    // What was shown late is shown now: longer than the grace and a tick.
    await timePasses(graceSeconds * 1000 + 1_000);
    const falseEvents = shown.slice(before);
    await rain(scene, harmful, (options.seconds * 1000 * 2) / 3, happened);
    const healedMs = performance.now();
    await waitFor(() => wanted(scene).every(({ isIn }) => isIn), "all clients to be in their rooms", settleTimeoutMs);
    const left = () => Math.max(1, healedMs + promisedMs - performance.now());
    await settled(scene, left()).catch(() => undefined);
    const differences = await differencesIn(scene);
    return {
      options,
      happened,
      falseEvents,
      differences,
      agreedAfterMs: performance.now() - healedMs,
      crashes: instances.reduce((sum, { crashes }) => sum + crashes.length, 0),
      instanceOutputs: instances.map(({ output }) => output),
    };
  } finally {
    for (const member of members) member.end();
    await Promise.all(instances.map((instance) => instance[Symbol.asyncDispose]()));
  }
}

/** Faults one after the other, at least each kind once; while one lasts, clients are cut now and then. */
async function rain(
  scene: Scene,
  faults: Readonly<Record<string, Fault>>,
  forMs: number,
  happened: Map<string, number>,
): Promise<void> {
  const endMs = performance.now() + forMs;
  // Each kind once, in a random order, before any comes again.
  let names: string[] = [];
  do {
    if (names.length === 0) names = Object.keys(faults).toSorted(() => scene.random() - 0.5);
    const name = names.pop() ?? "";
    let isOver = false;
    const running = Promise.resolve(faults[name]?.(scene)).finally(() => {
      isOver = true;
    });
    while (!isOver) {
      // The pace at which members are cut.
      await Promise.race([running, timePasses(700)]);
      // Not by the seed: how often this comes depends on the machine.
      for (const member of scene.members) if (!isOver && Math.random() < 0.1) member.cut();
    }
    await running;
    happened.set(name, (happened.get(name) ?? 0) + 1);
    await pause(scene.random, 50, 1_500);
  } while (performance.now() < endMs || names.length > 0);
}

async function settled(scene: Scene, timeoutMs = settleTimeoutMs): Promise<void> {
  await waitFor(async () => (await differencesIn(scene)).length === 0, "all to agree about the members", timeoutMs);
}

function wanted({ members }: Scene): ChaosMember[] {
  return members.filter(({ isWanted }) => isWanted);
}

/** What each instance lists, and what each client shows, against who is really there. */
async function differencesIn(scene: Scene): Promise<string[]> {
  const present = wanted(scene);
  const away = present.filter(({ isIn }) => !isIn).map(({ session }) => `${session} is not in its rooms`);
  const expected = (room: string) =>
    present
      .filter(({ isIn, rooms }) => isIn && rooms.includes(room))
      .map(({ session }) => session)
      .toSorted();
  const listed = await Promise.all(
    scene.instances.map(async (instance, number) => {
      const lists = await listsOf(instance);
      return roomNames.flatMap((room) =>
        differ(`instance ${number} in ${room}`, lists.get(room) ?? [], expected(room)),
      );
    }),
  );
  const seen = present.flatMap((member) =>
    member.rooms.flatMap((room) => differ(`${member.session} in ${room}`, member.sessions(room), expected(room))),
  );
  return [...away, ...listed.flat(), ...seen];
}

function differ(who: string, got: readonly string[], expected: readonly string[]): string[] {
  const ghosts = got.filter((session) => !expected.includes(session));
  const missing = expected.filter((session) => !got.includes(session));
  return ghosts.length + missing.length === 0 ? [] : [`${who}: ghosts [${ghosts}], missing [${missing}]`];
}

/** The sessions of each room, as an instance lists them. */
async function listsOf(instance: Instance): Promise<ReadonlyMap<string, readonly string[]>> {
  using socket = await connectStock(urlOf(instance), { socket: { reconnection: false } });
  const lists = roomNames.map(async (room) => {
    const { members } = await askData(socket, "presence:list", { room }, 2_000);
    return [room, members.map(({ session }) => session).toSorted()] as const;
  });
  return new Map(await Promise.all(lists));
}

function urlOf(instance: Instance | undefined): string {
  return `http://127.0.0.1:${instance?.port}`;
}

export function presenceHeld({ falseEvents, differences, crashes }: PresenceChaosReport): boolean {
  return falseEvents.length + differences.length + crashes === 0;
}

export function presenceReplayCommand({ seed, seconds }: PresenceChaosOptions): string {
  return `npm run chaos -- --presence --seconds ${seconds} --seed ${seed}`;
}

/** What a run did and how it ended, for people. */
export function describePresence(report: PresenceChaosReport): string {
  const faults = [...report.happened].toSorted().map(([name, times]) => `${name} ${times}`);
  return [
    `faults: ${faults.join(", ")}`,
    `all agreed ${Math.round(report.agreedAfterMs)} ms after the last fault, ${promisedMs} ms are promised`,
    ...report.falseEvents.map(({ by, room, kind, session }) => `false: ${by} was shown in ${room}: ${kind} ${session}`),
    ...report.differences.map((difference) => `not as it is: ${difference}`),
    ...(report.crashes > 0 ? [`crashes: ${report.crashes}`] : []),
    presenceHeld(report)
      ? "verdict: every promise held"
      : `verdict: BROKEN; again with: ${presenceReplayCommand(report.options)}`,
  ].join("\n");
}
