import fc from "fast-check";
import { createClient } from "redis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { comparePositions, type Page, type Position, START, splitPosition } from "../../client/src/protocol/index.ts";
import { chainLinkOf } from "../../server/src/broadcast/frame.ts";
import { roomKeys } from "../../server/src/log/keys.ts";
import { gapCount, type History, judge, judgeGaps, judgeLosses } from "../support/continuity/judge.ts";
import type { Broadcast, LogUnderTest } from "../support/continuity/log-under-test.ts";
import { instanceCount, type Step, steps, World } from "../support/continuity/world.ts";
import { redisServerInstalled } from "../support/installed.ts";
import { draftOf, type OpenLog, openLog } from "../support/open-log.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { uniquePrefix, uniqueRoom } from "../support/unique.ts";

interface Frame {
  readonly data: { readonly packet: { readonly data: readonly [string, Broadcast["payload"]] } };
}

/** The real scripts on a real Redis, whose state is set back and whose history gets another name, as by a failover. */
class RedisLog implements LogUnderTest, Disposable {
  readonly #instances: OpenLog[];
  readonly #admin: Admin;
  readonly #room: string;
  readonly #keys: readonly string[];
  readonly #channel: string;
  readonly #received: Broadcast[] = [];
  #fenceReceived: (() => void) | undefined;
  #snapshot = new Map<string, Buffer>();

  private constructor(instances: OpenLog[], admin: Admin, keyPrefix: string) {
    this.#instances = instances;
    this.#admin = admin;
    this.#room = uniqueRoom();
    const { channel, ...stored } = roomKeys(keyPrefix, this.#room);
    this.#keys = Object.values(stored);
    this.#channel = channel;
  }

  static async start(redis: RedisServer, admin: Admin, subscriber: Admin): Promise<RedisLog> {
    const keyPrefix = uniquePrefix();
    const open = () => openLog(redis.url, { keyPrefix });
    const instances = await Promise.all(Array.from({ length: instanceCount + 8 }, open));
    const log = new RedisLog(instances, admin, keyPrefix);
    for (const { known } of instances) known.enter(log.#room, START);
    await subscriber.sSubscribe(log.#channel, (text) => log.#receive(text));
    return log;
  }

  #receive(text: string): void {
    if (text === "fence") {
      this.#fenceReceived?.();
      return;
    }
    const link = chainLinkOf(Buffer.from(text));
    if (link === undefined) throw new Error(`expected a link at the end of ${text}`);
    this.#received.push({ link, payload: (JSON.parse(text) as Frame).data.packet.data[1] });
  }

  async append(instance: number, id: string): Promise<Position> {
    const outcome = await this.#instance(instance).log.append(this.#room, draftOf(id, { id }));
    if (outcome === "out-of-order") throw new Error("expected a stored message");
    return outcome.position;
  }

  check(instance: number): Promise<Position> {
    return this.#instance(instance).log.check(this.#room);
  }

  deliver(instance: number, { link }: Broadcast): boolean {
    return this.#instance(instance).known.receive(this.#room, link);
  }

  /** One of the spares takes its place; there are enough for a history. */
  replace(instance: number): void {
    const spare = this.#instances.pop();
    if (spare === undefined || this.#instances.length < instanceCount) throw new Error("expected a spare instance");
    this.#instances[instance]?.[Symbol.dispose]();
    this.#instances[instance] = spare;
  }

  read(after: Position | undefined, limit: number): Promise<Page> {
    return this.#instance(0).log.read(this.#room, after === undefined ? { limit } : { after, limit });
  }

  async broadcasts(): Promise<Broadcast[]> {
    const fence = new Promise<void>((resolve) => {
      this.#fenceReceived = resolve;
    });
    await this.#admin.sPublish(this.#channel, "fence");
    await fence;
    return this.#received.splice(0);
  }

  async snapshot(): Promise<void> {
    this.#snapshot = new Map();
    for (const key of this.#keys) {
      const dump = await this.#admin.sendCommand(["DUMP", key], { typeMapping: { 36: Buffer } });
      if (Buffer.isBuffer(dump)) this.#snapshot.set(key, dump);
    }
  }

  async restore(): Promise<void> {
    await this.#admin.del([...this.#keys]);
    for (const [key, dump] of this.#snapshot) await this.#admin.sendCommand(["RESTORE", key, "600000", dump]);
    await this.restart();
  }

  async restart(): Promise<void> {
    await this.#admin.sendCommand(["DEBUG", "CHANGE-REPL-ID"]);
    // No Redis starts within the millisecond in which the one before it ended.
    const beganMs = await this.#nowMs();
    while ((await this.#nowMs()) <= beganMs + 1);
  }

  async #nowMs(): Promise<number> {
    const [seconds, microseconds] = await this.#admin.time();
    return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
  }

  async flush(): Promise<void> {
    await this.#admin.del([...this.#keys]);
    await this.restart();
  }

  async trim(keep: number): Promise<void> {
    const [log = ""] = this.#keys;
    await this.#admin.xTrim(log, "MAXLEN", Math.max(1, keep));
  }

  #instance(number: number): OpenLog {
    const instance = this.#instances[number];
    if (instance === undefined) throw new Error(`expected an instance below ${instanceCount}, got ${number}`);
    return instance;
  }

  [Symbol.dispose](): void {
    for (const instance of this.#instances) instance[Symbol.dispose]();
  }
}

type Admin = Awaited<ReturnType<typeof openAdmin>>;

async function openAdmin(url: string) {
  const client = createClient({ url, RESP: 3 });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

const runs = 60;

// Naming the history anew without a restart is a debugging command of redis-server.
describe.runIf(redisServerInstalled)("the log's scripts and the client's sequencer", () => {
  let redis: RedisServer;
  let admin: Admin;
  let subscriber: Admin;
  beforeAll(async () => {
    redis = await startRedis({ kind: "redis", args: ["--enable-debug-command", "yes"] });
    admin = await openAdmin(redis.url);
    subscriber = await openAdmin(redis.url);
  });
  afterAll(async () => {
    admin.destroy();
    subscriber.destroy();
    await redis[Symbol.asyncDispose]();
  });

  async function play(script: readonly Step[]): Promise<History> {
    using log = await RedisLog.start(redis, admin, subscriber);
    const history = await new World(log).run(limited(script));
    judge(history);
    return history;
  }

  /** A history has no more spare instances than this. */
  function limited(script: readonly Step[]): Step[] {
    let spares = 7;
    return script.filter(({ move }) => move !== "replace" || spares-- > 0);
  }

  test("tell each message once, and what is missing as a gap, whatever Redis loses", { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(steps(["snapshot", "snapshot", "restore", "restore", "restart"], 80), async (script) => {
        const history = await play(script);
        judgeLosses(history);
        judgeGaps(history);
      }),
      { numRuns: runs },
    );
  });

  test("tell no gap where no life lost anything", { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(steps(["snapshot", "restart", "restart"], 80), async (script) => {
        const history = await play(script);
        judgeLosses(history);
        expect(gapCount(history)).toBe(0);
      }),
      { numRuns: runs / 2 },
    );
  });

  test("report a loss once, though several instances know of it and have not heard of the report", async () => {
    using log = await RedisLog.start(redis, admin, subscriber);
    await log.append(0, "message-kept");
    await log.snapshot();
    await log.append(0, "message-lost");
    for (const broadcast of await log.broadcasts()) log.deliver(1, broadcast);
    await log.restore();
    const head = await log.check(0);
    expect(await log.check(1)).toBe(head);
    // Nor is it reported again once the second instance has more to report.
    await log.snapshot();
    const second = await log.append(1, "message-lost-too");
    await log.restore();
    await log.check(1);
    expect((await log.read(head, 10)).lost).toMatchObject({ after: head, positions: [second] });
  });

  test("report a loss before they answer a reader whose position is lost, also of an epoch that it never saw", async () => {
    using log = await RedisLog.start(redis, admin, subscriber);
    const had = await log.append(0, "message-kept");
    await log.restart();
    const unseen = await log.append(0, "message-lost");
    await log.flush();
    const page = await log.read(had, 10);
    expect(page).toMatchObject({ recovered: false, lost: { positions: [unseen, had] } });
    expect(page.position).toBe(await log.check(0));
    // The report makes the reader's gap as long as the loss.
    expect(comparePositions(page.position, unseen)).toBeGreaterThan(0);
  });

  test("report nothing for a reader that claims to be ahead of the log", async () => {
    using log = await RedisLog.start(redis, admin, subscriber);
    const head = await log.append(0, "message");
    const { epochMs } = splitPosition(head);
    expect(await log.read(`${epochMs}-9`, 10)).toMatchObject({ recovered: false, position: head });
    expect((await log.read(`${epochMs + 1}-0`, 10)).lost).toBeUndefined();
    expect(await log.check(0)).toBe(head);
  });

  test("make nobody deaf where the log is trimmed or lost whole", { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(steps(["snapshot", "restore", "flush", "trim"], 80), async (script) => {
        await play(script);
      }),
      { numRuns: runs / 2 },
    );
  });
});
