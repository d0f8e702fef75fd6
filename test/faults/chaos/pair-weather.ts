import { FakeClock, fakeClockInstalled } from "../../support/fake-clock.ts";
import { RedisPair } from "../../support/redis-pair.ts";
import type { RedisServer } from "../../support/redis-server.ts";
import type { RedisFault } from "./fault.ts";
import type { Instance } from "./instance.ts";
import { freeze, killConnections, type RedisScene, type RedisWeather, restart, rewind } from "./redis-weather.ts";

type Of<Kind extends RedisFault["kind"]> = Extract<RedisFault, { kind: Kind }>;

/** A Redis with a replica that can take its place, each by a clock of its own. */
export class PairWeather implements RedisWeather {
  readonly #pair: RedisPair;
  readonly #clocks: ReadonlyMap<RedisServer, FakeClock>;
  /** Whose lines lead to the master. */
  #instances: readonly Instance[] = [];

  private constructor(pair: RedisPair, clocks: ReadonlyMap<RedisServer, FakeClock>) {
    this.#pair = pair;
    this.#clocks = clocks;
  }

  static async start(): Promise<PairWeather> {
    if (!fakeClockInstalled) return new PairWeather(await RedisPair.start(), new Map());
    const clocks = [await FakeClock.create(), await FakeClock.create()] as const;
    const pair = await RedisPair.start([...clocks]);
    return new PairWeather(
      pair,
      new Map([
        [pair.master, clocks[0]],
        [pair.other, clocks[1]],
      ]),
    );
  }

  get urls(): string[] {
    return [this.#pair.master.url];
  }

  get masterPort(): number {
    return this.#pair.master.port;
  }

  /** From now on the lines of these instances lead to whichever is the master. */
  lead(instances: readonly Instance[]): void {
    this.#instances = instances;
  }

  async apply(fault: RedisFault, scene: RedisScene): Promise<boolean> {
    const { master } = this.#pair;
    switch (fault.kind) {
      case "kill-redis-connections":
        return killConnections(master.url, fault.role);
      case "freeze-redis":
        return freeze(master, fault.forMs, scene);
      case "step-redis-clock":
        return this.#step(master, fault.byMs);
      case "restart-redis":
        await this.#step(master, fault.clockByMs);
        return restart(master, fault, scene);
      case "rewind-redis":
        await this.#step(master, fault.clockByMs);
        return rewind(master, fault, scene);
      case "wipe-redis":
        return this.#wipe(fault, scene);
      case "promote-replica":
        return this.#promote(fault, scene);
      case "move-slot":
        return false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pair[Symbol.asyncDispose]();
    for (const clock of this.#clocks.values()) await clock[Symbol.asyncDispose]();
  }

  async #wipe({ downMs, clockByMs }: Of<"wipe-redis">, { recorder, pause }: RedisScene): Promise<true> {
    const { master } = this.#pair;
    for (const { redisLine } of this.#instances) redisLine?.silence();
    const atMs = performance.now();
    recorder.pause();
    await master.kill();
    recorder.ended(await master.commandsOnDisk());
    await this.#step(master, clockByMs);
    await pause(downMs);
    await master.restart({ keepData: false });
    await recorder.replaced([master.url], atMs);
    recorder.resume();
    for (const { redisLine } of this.#instances) redisLine?.endSilence("heal");
    return true;
  }

  async #promote({ lostMs, oldMaster, besidesMs, clockByMs }: Of<"promote-replica">, scene: RedisScene): Promise<true> {
    const { recorder, pause } = scene;
    const old = this.#pair.master;
    const clock = this.#clocks.get(this.#pair.other);
    await clock?.set((this.#clocks.get(old)?.offsetMs ?? 0) + clockByMs);
    await this.#pair.attachReplica();
    if (lostMs > 0) this.#pair.stallReplication();
    await pause(lostMs);
    let atMs = performance.now();
    if (lostMs > 0 && besidesMs > 0) {
      // The logs of the two masters are one until here, and are told apart when the old one is no master any more.
      recorder.pause();
      await this.#pair.promoteBesides();
      this.#leadToMaster();
      this.#instances[0]?.redisLine?.cut();
      await pause(besidesMs);
      await this.#pair.pauseWriting(old);
    } else {
      await this.#pair.promote(async () => {
        if (lostMs === 0) await this.#pair.replicated();
        atMs = performance.now();
        await recorder.complete();
        recorder.pause();
      });
    }
    await recorder.complete();
    await recorder.replaced([this.#pair.master.url], atMs);
    this.#leadToMaster();
    if (oldMaster === "dies") await old.kill();
    else await this.#pair.demoteOther();
    recorder.resume();
    return true;
  }

  #leadToMaster(): void {
    for (const { redisLine } of this.#instances) if (redisLine !== undefined) redisLine.targetPort = this.masterPort;
  }

  async #step(server: RedisServer, byMs: number): Promise<boolean> {
    const clock = this.#clocks.get(server);
    await clock?.set(clock.offsetMs + byMs);
    return clock !== undefined && byMs !== 0;
  }
}
