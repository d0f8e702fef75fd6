import { pick, type Random, randomInteger, seededRandom } from "../../support/random.ts";

/** How a silent (half-open) link comes back: everything held back passes, or both ends learn that it is dead. */
export type SilenceEnd = "heal" | "reset";

/** One thing that goes wrong. `client` and `instance` are indices; times are in milliseconds. */
export type Fault =
  | { readonly kind: "cut-clients"; readonly clients: readonly number[] }
  | { readonly kind: "silence-client"; readonly client: number; readonly forMs: number; readonly end: SilenceEnd }
  | {
      readonly kind: "slow-client";
      readonly client: number;
      readonly forMs: number;
      readonly delayMs: number;
      readonly splitBytes: number;
    }
  | { readonly kind: "return-client"; readonly client: number }
  | { readonly kind: "kill-instance"; readonly instance: number; readonly downMs: number }
  | { readonly kind: "stop-instance"; readonly instance: number; readonly downMs: number }
  | { readonly kind: "freeze-instance"; readonly instance: number; readonly forMs: number }
  | { readonly kind: "cut-redis-link"; readonly instance: number }
  | { readonly kind: "silence-redis-link"; readonly instance: number; readonly forMs: number; readonly end: SilenceEnd }
  | {
      readonly kind: "slow-redis-link";
      readonly instance: number;
      readonly forMs: number;
      readonly delayMs: number;
      readonly splitBytes: number;
    }
  | { readonly kind: "kill-redis-connections"; readonly role: "commands" | "subscriptions" | "all" }
  | { readonly kind: "freeze-redis"; readonly forMs: number }
  | { readonly kind: "restart-redis"; readonly downMs: number }
  | { readonly kind: "wipe-redis"; readonly downMs: number };

export interface PlannedFault {
  /** Since the beginning of the bad weather. */
  readonly atMs: number;
  readonly fault: Fault;
}

export interface PlanOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly clients: number;
  /** Clients from this index on may end and come back; those before it are never closed. */
  readonly firstReturningClient: number;
  readonly instances: number;
}

/** A kind of fault that comes again and again, at random moments with this many milliseconds between them on average. */
interface Source {
  readonly meanGapMs: number;
  readonly make: (random: Random, shape: PlanOptions) => Fault;
}

const sources: readonly Source[] = [
  { meanGapMs: 700, make: (random, shape) => ({ kind: "cut-clients", clients: someClients(random, shape, 3) }) },
  { meanGapMs: 25_000, make: (_, { clients }) => ({ kind: "cut-clients", clients: indices(clients) }) },
  {
    meanGapMs: 2_500,
    make: (random, { clients }) => ({ kind: "silence-client", client: index(random, clients), ...silence(random) }),
  },
  {
    meanGapMs: 15_000,
    make: (random, { clients }) => ({
      kind: "silence-client",
      client: index(random, clients),
      ...silence(random),
      // Beyond the time limit of an acknowledgement (10 s), and up to beyond Engine.IO's ping time-out (45 s).
      forMs: randomInteger(random, 10_000, 60_000),
    }),
  },
  {
    meanGapMs: 2_000,
    make: (random, { clients }) => ({ kind: "slow-client", client: index(random, clients), ...slowness(random) }),
  },
  {
    meanGapMs: 4_000,
    make: (random, { clients, firstReturningClient }) => ({
      kind: "return-client",
      client: randomInteger(random, firstReturningClient, clients - 1),
    }),
  },
  {
    meanGapMs: 9_000,
    make: (random, { instances }) => ({
      kind: "kill-instance",
      instance: index(random, instances),
      downMs: randomInteger(random, 100, 3_000),
    }),
  },
  {
    meanGapMs: 18_000,
    make: (random, { instances }) => ({
      kind: "stop-instance",
      instance: index(random, instances),
      downMs: randomInteger(random, 0, 2_000),
    }),
  },
  {
    meanGapMs: 9_000,
    make: (random, { instances }) => ({
      kind: "freeze-instance",
      instance: index(random, instances),
      forMs: randomInteger(random, 300, 7_000),
    }),
  },
  {
    meanGapMs: 6_000,
    make: (random, { instances }) => ({ kind: "cut-redis-link", instance: index(random, instances) }),
  },
  {
    meanGapMs: 12_000,
    make: (random, { instances }) => ({
      kind: "silence-redis-link",
      instance: index(random, instances),
      ...silence(random),
    }),
  },
  {
    meanGapMs: 10_000,
    make: (random, { instances }) => ({
      kind: "slow-redis-link",
      instance: index(random, instances),
      ...slowness(random),
    }),
  },
  {
    meanGapMs: 8_000,
    make: (random) => ({
      kind: "kill-redis-connections",
      role: pick(random, ["commands", "subscriptions", "all"] as const) ?? "all",
    }),
  },
  { meanGapMs: 15_000, make: (random) => ({ kind: "freeze-redis", forMs: randomInteger(random, 300, 4_000) }) },
  { meanGapMs: 20_000, make: (random) => ({ kind: "restart-redis", downMs: randomInteger(random, 0, 1_500) }) },
];

/** A log that is lost twice within moments is another matter than one that is lost after hours. */
const SECOND_WIPE_FROM_SECONDS = 120;
/** What a wipe itself may take, beyond the time for which Redis is down. */
const WIPE_MS = 3_000;

/**
 * What goes wrong when: a pure function of the seed and of the shape of the run. Each kind of fault has random numbers
 * of its own, so that a change of one kind leaves the others where they were. A fault is left out where what it hits
 * still suffers from another one.
 */
export function planFaults(options: PlanOptions): PlannedFault[] {
  const wipes = planWipes(options);
  const others = sources.flatMap((source, position) => planSource(source, position, options));
  const kept: PlannedFault[] = [...wipes];
  for (const planned of others.sort((a, b) => a.atMs - b.atMs)) {
    if (!kept.some((other) => collide(planned, other))) kept.push(planned);
  }
  return kept.sort((a, b) => a.atMs - b.atMs);
}

/** The log is lost late in the run, so that there is something to lose, and early enough that it matters. */
function planWipes({ seed, seconds }: PlanOptions): PlannedFault[] {
  const random = seededRandom(seed);
  const shares = seconds >= SECOND_WIPE_FROM_SECONDS ? [0.5, 0.8] : [0.65];
  return shares.map((share) => ({
    atMs: Math.round(seconds * 1000 * (share + 0.1 * random())),
    fault: { kind: "wipe-redis", downMs: randomInteger(random, 0, 1_500) },
  }));
}

function planSource({ meanGapMs, make }: Source, position: number, options: PlanOptions): PlannedFault[] {
  const random = seededRandom(Math.imul(options.seed + 1, 0x9e3779b1) + position);
  const planned: PlannedFault[] = [];
  for (let atMs = pauseMs(random, meanGapMs); atMs < options.seconds * 1000; atMs += pauseMs(random, meanGapMs)) {
    planned.push({ atMs, fault: make(random, options) });
  }
  return planned;
}

/** Waiting time to the next event of a Poisson process. */
function pauseMs(random: Random, meanMs: number): number {
  return Math.round(-Math.log(1 - random()) * meanMs);
}

function collide(a: PlannedFault, b: PlannedFault): boolean {
  const overlap = a.atMs < b.atMs + lastsMs(b.fault) && b.atMs < a.atMs + lastsMs(a.fault);
  return overlap && suffers(a.fault) !== undefined && suffers(a.fault) === suffers(b.fault);
}

/** How long the fault keeps what it hits. */
function lastsMs(fault: Fault): number {
  if (fault.kind === "wipe-redis") return fault.downMs + WIPE_MS;
  if ("forMs" in fault) return fault.forMs;
  return "downMs" in fault ? fault.downMs : 0;
}

/** What can suffer from one fault at a time; undefined for what may happen in any weather. */
function suffers(fault: Fault): string | undefined {
  if (fault.kind === "cut-clients" || fault.kind === "return-client" || fault.kind === "cut-redis-link")
    return undefined;
  if (fault.kind === "kill-redis-connections") return undefined;
  if ("client" in fault) return `client ${fault.client}`;
  if (!("instance" in fault)) return "redis";
  return fault.kind.endsWith("redis-link") ? `redis link ${fault.instance}` : `instance ${fault.instance}`;
}

function index(random: Random, count: number): number {
  return randomInteger(random, 0, count - 1);
}

function indices(count: number): number[] {
  return Array.from({ length: count }, (_, number) => number);
}

function someClients(random: Random, { clients }: PlanOptions, atMost: number): number[] {
  const chosen = indices(randomInteger(random, 1, atMost)).map(() => index(random, clients));
  return [...new Set(chosen)];
}

function silence(random: Random): { forMs: number; end: SilenceEnd } {
  return { forMs: randomInteger(random, 500, 8_000), end: random() < 0.5 ? "heal" : "reset" };
}

function slowness(random: Random) {
  return {
    forMs: randomInteger(random, 1_000, 6_000),
    delayMs: randomInteger(random, 5, 250),
    splitBytes: randomInteger(random, 8, 200),
  };
}
