import { seededRandom } from "../../support/random.ts";
import type { RedisPair } from "../../support/redis-pair.ts";
import { uniqueRoom } from "../../support/unique.ts";
import { waitFor } from "../../support/wait.ts";
import { Cast } from "../chaos/cast.ts";
import type { History } from "../chaos/history.ts";
import type { Instance } from "../chaos/instance.ts";
import { Line } from "../chaos/line.ts";
import { Outsider } from "../chaos/outsider.ts";
import { type Recorder, startRecorder } from "../chaos/recorder.ts";
import { readServed } from "../chaos/served.ts";
import { whenLossesAreTold } from "../chaos/told-losses.ts";
import type { Verdict } from "../chaos/verdict.ts";

const ROOMS = 3;
export const PUBLISHERS = 4;
const STAYERS = 4;
/** Clients that may be away: from this one on, so many. */
export const FIRST_ROAMER = PUBLISHERS + STAYERS;
export const ROAMERS = 4;
/** How much longer than from the publisher before it a publish takes to its instance, and its acknowledgement back. */
const DISTANCE_MS = 25;
/** Between two bursts of a publisher. */
const LONGEST_PAUSE_MS = 250;
/** Within this a publisher gets through again. */
const WORKS_AGAIN_MS = 60_000;
const HEAL_MS = 60_000;

export interface StageOptions {
  readonly seed: number;
  readonly pair: RedisPair;
  /** Members use all of them but the last, where publishes come in for rooms of which that instance has no member. */
  readonly instances: readonly Instance[];
  readonly keyPrefix: string;
}

/** The rooms and clients of some failovers: members that stay, leave, come back and arrive, and who publishes. */
export class Stage implements AsyncDisposable {
  readonly pair: RedisPair;
  readonly instances: readonly Instance[];
  readonly cast: Cast;
  readonly recorder: Recorder;
  readonly publisherLines: readonly Line[];
  readonly #rooms: readonly string[];
  readonly #outsider: Outsider;
  readonly #stop = new AbortController();
  readonly #publishing: Promise<unknown>;

  private constructor(
    { seed, pair, instances }: StageOptions,
    rooms: readonly string[],
    recorder: Recorder,
    publisherLines: readonly Line[],
    outsider: Outsider,
  ) {
    this.pair = pair;
    this.instances = instances;
    this.recorder = recorder;
    this.publisherLines = publisherLines;
    this.#rooms = rooms;
    this.#outsider = outsider;
    const near = Array.from({ length: STAYERS + ROAMERS }, (_, client) => portFor(instances, client));
    const ports = [...publisherLines.map(({ port }) => port), ...near];
    this.cast = new Cast(ports.map(urlOf), rooms);
    const { signal } = this.#stop;
    this.#publishing = Promise.all([
      outsider.publishUntil(signal, rooms, seededRandom(seed - 1)),
      ...publisherLines.map((_, client) => {
        return this.cast.publishUntil(signal, client, seededRandom(seed + client), LONGEST_PAUSE_MS);
      }),
    ]);
  }

  static async open(options: StageOptions): Promise<Stage> {
    const { pair, instances, keyPrefix } = options;
    const rooms = Array.from({ length: ROOMS }, (_, number) => uniqueRoom(`room-${number}`));
    const recorder = await startRecorder([pair.master.url], rooms, (room) => `${keyPrefix}:{${room}}:log`);
    const lines = await Promise.all(
      Array.from({ length: PUBLISHERS }, (_, client) => Line.open(portFor(instances, client), client)),
    );
    // Far away, so that acknowledgements are on their way at any moment.
    lines.forEach((line, client) => {
      line.slow({ delayMs: client * DISTANCE_MS, splitBytes: 0 });
    });
    const outsider = await Outsider.connect("outsider", urlOf(instances.at(-1)?.port));
    const stage = new Stage(options, rooms, recorder, lines, outsider);
    await stage.cast.joined();
    return stage;
  }

  /** Another client comes, through one of the instances. */
  arrive(number: number): void {
    this.cast.arrive(urlOf(portFor(this.instances, number)));
  }

  /** Waits until so many more publishes of members are acknowledged. */
  async acknowledges(count: number): Promise<void> {
    const before = this.cast.acknowledged;
    await waitFor(() => this.cast.acknowledged - before >= count, `${count} acknowledgements`, WORKS_AGAIN_MS);
  }

  /** Ends publishing and waits until all that was published is with all members, and every loss was told. */
  async finish(): Promise<{ readonly history: History; readonly verdict: Verdict }> {
    this.#stop.abort();
    await this.#publishing;
    await this.cast.settled(HEAL_MS);
    await this.cast.fence(HEAL_MS);
    return whenLossesAreTold(() => this.#look());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.cast[Symbol.asyncDispose]();
    this.#outsider[Symbol.dispose]();
    await this.recorder[Symbol.asyncDispose]();
    await Promise.all(this.publisherLines.map((line) => line[Symbol.asyncDispose]()));
  }

  async #look(): Promise<History> {
    await this.recorder.complete();
    const read = async (room: string) => {
      const served = await readServed(urlOf(portFor(this.instances, 0)), room);
      return { room, lives: this.recorder.lives(room), served };
    };
    return {
      rooms: await Promise.all(this.#rooms.map(read)),
      memberships: this.cast.memberships,
      publishes: [...this.cast.publishes, ...this.#outsider.publishes].map((publish) => ({ ...publish })),
      instanceEndsMs: [],
    };
  }
}

function portFor(instances: readonly Instance[], client: number): number {
  return instances[client % (instances.length - 1)]?.port ?? 0;
}

function urlOf(port: number | undefined): string {
  return `http://127.0.0.1:${port}`;
}
