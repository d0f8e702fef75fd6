import type { DestroyReason, Emitter } from "./events.ts";
import { type FunctionVersion, Instance } from "./instance.ts";
import { takeDown, tellHealth } from "./instance-life.ts";
import { bringUp, callHook } from "./lifecycle.ts";
import { type BilledInstance, billedInstance, candidate, type Entry } from "./pool-entry.ts";
import { profileOf } from "./profiles.ts";
import { RefusedError } from "./refusals.ts";
import { schedule } from "./scheduler.ts";

/** How long a failed start of a minimum instance is left alone. */
const RETRY_MINIMUM_MS = 1000;

/** The instances of a function: starts, lends, freezes, replaces and destroys them. */
export class Pool {
  readonly #entries = new Map<string, Entry>();
  /** Billed seconds of instances that are gone. */
  readonly #past: BilledInstance[] = [];
  readonly #events: Emitter;
  readonly #random: () => number;
  #version: FunctionVersion;
  #closing = false;

  constructor(version: FunctionVersion, events: Emitter, random: () => number) {
    this.#version = version;
    this.#events = events;
    this.#random = random;
  }

  get version(): FunctionVersion {
    return this.#version;
  }

  get instances(): readonly Instance[] {
    return [...this.#entries.values()].map(({ instance }) => instance);
  }

  billed(): readonly BilledInstance[] {
    return [...this.#past, ...this.instances.map(billedInstance)];
  }

  /**
   * Lends an instance to one request: thawed, billed and counted, until `release`. Waits for a cold start.
   *
   * @throws RefusedError when there is no room or the start fails; the signal's reason when it aborts first.
   */
  async acquire(signal: AbortSignal): Promise<Instance> {
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    aborted.catch(() => undefined);
    for (;;) {
      signal.throwIfAborted();
      const entry = this.#choose();
      const { instance } = entry;
      instance.inFlight += 1;
      try {
        await Promise.race([entry.ready, aborted]);
      } catch (error) {
        this.#leave(entry);
        throw error;
      }
      if (instance.state === "frozen") {
        this.#thaw(entry);
        instance.waking = this.#wake(entry);
      }
      if (instance.waking !== null) await instance.waking;
      if (instance.state === "running") {
        instance.served += 1;
        instance.openSpan();
        return instance;
      }
      // It was destroyed in the same moment: another one takes the request.
      instance.inFlight -= 1;
    }
  }

  /** Takes a lent instance back. Its last request gone, it is frozen at once. */
  release(instance: Instance, { clientAborted }: { clientAborted: boolean }): void {
    instance.closeSpan();
    const entry = this.#entries.get(instance.id);
    if (!entry) return;
    const { instanceConcurrency, healthCheck, platform } = instance.version.settings;
    const restarts =
      platform === "function-compute" && clientAborted && instanceConcurrency === 1 && healthCheck === null;
    if (restarts && instance.state === "running" && !this.#closing) {
      instance.inFlight -= 1;
      this.#replace(entry);
    } else {
      this.#leave(entry);
    }
  }

  /** Destroys an instance the planned way: no new requests, then its pre-stop hook, then the end. */
  async destroy(id: string, reason: DestroyReason): Promise<void> {
    const entry = this.#entries.get(id);
    if (!entry) throw new Error(`expected an instance, got ${id}; there are ${[...this.#entries.keys()].join(", ")}`);
    await this.#remove(entry, reason);
  }

  /** Ends an instance in the middle of everything. */
  kill(instance: Instance, reason: DestroyReason): void {
    const entry = this.#entries.get(instance.id);
    if (!entry) return;
    entry.reason ??= reason;
    instance.kill();
  }

  /** New requests go to the new version from now on; older instances stay until their requests end. */
  async update(version: FunctionVersion): Promise<void> {
    this.#version = version;
    if (profileOf(version.settings).update === "replaces") {
      await this.#replaceOld();
      return;
    }
    for (const entry of this.#entries.values()) {
      if (entry.instance.state === "frozen" && entry.instance.inFlight === 0) this.#removeLater(entry, "update");
    }
    await this.ensureMinimum();
  }

  /** One by one: a new instance, and when that is up the end of an old one. */
  async #replaceOld(): Promise<void> {
    for (const entry of [...this.#entries.values()]) {
      if (entry.instance.version === this.#version) continue;
      await this.#start().ready;
      await this.#remove(entry, "update");
    }
  }

  /** Starts what is missing to `minInstances`; resolves when they are up. */
  async ensureMinimum(): Promise<void> {
    if (this.#closing) return;
    const missing = this.#version.settings.minInstances - this.#available().length;
    await Promise.all(Array.from({ length: Math.max(0, missing) }, () => this.#start().ready));
  }

  async close(): Promise<void> {
    this.#closing = true;
    const entries = [...this.#entries.values()];
    for (const entry of entries) {
      entry.reason ??= "shutdown";
      entry.life.abort();
      entry.instance.kill();
    }
    await Promise.all(entries.map(({ gone }) => gone));
  }

  #available(): Entry[] {
    return [...this.#entries.values()].filter(
      ({ instance }) => instance.version === this.#version && candidate(instance) !== null,
    );
  }

  #choose(): Entry {
    const candidates = this.#available().flatMap(({ instance }) => candidate(instance) ?? []);
    const requests = this.instances.reduce((sum, { inFlight }) => sum + inFlight, 0);
    const decision = schedule(candidates, this.#version.settings, requests, this.#random());
    if (decision.kind === "refuse") throw new RefusedError(decision.refusal);
    const entry = decision.kind === "use" ? this.#entries.get(decision.id) : this.#start();
    if (!entry) throw new Error("expected the scheduler to choose one of its candidates");
    return entry;
  }

  #start(): Entry {
    const startedMs = performance.now();
    const instance = new Instance(this.#version, (line) => {
      this.#events.emit("instance:output", { instanceId: instance.id, line });
    });
    const life = new AbortController();
    const ready = bringUp(instance, life.signal);
    const gone = Promise.resolve();
    const entry: Entry = { instance, ready, life, gone, idleTimer: null, reason: null, removal: null };
    this.#entries.set(instance.id, entry);
    entry.gone = ready
      .then(
        () => this.#started(entry, Math.round(performance.now() - startedMs)),
        () => this.#failed(entry),
      )
      .then(() => instance.exited())
      .then(() => this.#gone(entry));
    return entry;
  }

  #started(entry: Entry, startMs: number): void {
    const { instance } = entry;
    const { healthCheck } = instance.version.settings;
    if (instance.state !== "starting") return;
    instance.state = "running";
    this.#events.emit("instance:started", { instanceId: instance.id, version: instance.version.number, startMs });
    if (healthCheck) tellHealth(entry, healthCheck, this.#events);
    this.#age(entry);
    if (instance.inFlight === 0) this.#rest(entry);
  }

  /** Replaces the instance when its life is over, up to 15 % later than said: a new one comes first. */
  #age(entry: Entry): void {
    const { instanceLifeSeconds } = entry.instance.version.settings;
    if (instanceLifeSeconds === null) return;
    const lifeMs = instanceLifeSeconds * 1000 * (1 + 0.15 * this.#random());
    const timer = setTimeout(() => {
      const remove = () => this.#removeLater(entry, "age");
      if (entry.removal === null && !this.#closing) this.#start().ready.then(remove, remove);
    }, lifeMs).unref();
    entry.life.signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  }

  #failed(entry: Entry): void {
    entry.reason ??= "start-failed";
    entry.instance.kill();
  }

  #gone(entry: Entry): void {
    const { instance, life, idleTimer } = entry;
    instance.kill();
    life.abort();
    if (idleTimer) clearTimeout(idleTimer);
    this.#entries.delete(instance.id);
    this.#past.push(billedInstance(instance));
    const reason = entry.reason ?? "exited";
    this.#events.emit("instance:destroyed", { instanceId: instance.id, reason });
    if (this.#closing) return;
    // A minimum instance that fails to start tells so in its own event; here it is only tried again.
    const replace = () => this.ensureMinimum().catch(() => undefined);
    setTimeout(replace, reason === "start-failed" ? RETRY_MINIMUM_MS : 0).unref();
  }

  #leave(entry: Entry): void {
    entry.instance.inFlight -= 1;
    if (entry.instance.inFlight === 0 && entry.instance.state === "running") this.#rest(entry);
  }

  /** What becomes of an instance without requests. */
  #rest(entry: Entry): void {
    const { instance } = entry;
    const { idleMs, minInstances, hooks, preStop } = instance.version.settings;
    if (instance.version !== this.#version) {
      this.#removeLater(entry, "update");
      return;
    }
    if (entry.idleTimer) clearTimeout(entry.idleTimer);
    entry.idleTimer = setTimeout(() => {
      if (instance.inFlight === 0 && this.#available().length > minInstances) this.#removeLater(entry, "idle");
    }, idleMs).unref();
    if (profileOf(instance.version.settings).rest === "run") return;
    if (hooks === "life-and-freezes" && preStop) {
      // A hook that fails is told in its own way at the end of an instance; before a freeze nobody asks.
      callHook(instance, "preStop", preStop).then(
        () => this.#freeze(instance),
        () => this.#freeze(instance),
      );
    } else this.#freeze(instance);
  }

  #freeze(instance: Instance): void {
    if (instance.inFlight > 0 || instance.state !== "running") return;
    instance.freeze();
    this.#events.emit("instance:frozen", { instanceId: instance.id });
  }

  /** Where hooks surround freezes, a thawed instance is initialized before it gets the request. */
  #wake({ instance }: Entry): Promise<void> | null {
    const { hooks, initializer } = instance.version.settings;
    if (hooks !== "life-and-freezes" || !initializer) return null;
    return callHook(instance, "initialize", initializer).then(
      () => {
        instance.waking = null;
      },
      () => {
        instance.waking = null;
      },
    );
  }

  #thaw(entry: Entry): void {
    if (entry.idleTimer) clearTimeout(entry.idleTimer);
    const frozenMs = entry.instance.thaw();
    this.#events.emit("instance:thawed", { instanceId: entry.instance.id, frozenMs });
  }

  /** The platform's answer to a client that went away from an instance of its own: a new one, then the end of this. */
  #replace(entry: Entry): void {
    entry.instance.state = "stopping";
    const remove = () => this.#removeLater(entry, "client-abort");
    this.#start().ready.then(remove, remove);
  }

  #removeLater(entry: Entry, reason: DestroyReason): void {
    // A removal does not fail: a hook that does is told in the instance's output.
    this.#remove(entry, reason).catch(() => undefined);
  }

  async #remove(entry: Entry, reason: DestroyReason): Promise<void> {
    entry.reason ??= reason;
    entry.removal ??= this.#stop(entry);
    await entry.removal;
  }

  async #stop(entry: Entry): Promise<void> {
    if (entry.instance.state === "frozen") this.#thaw(entry);
    await takeDown(entry, this.#events);
  }
}
