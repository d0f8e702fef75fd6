import { createClient } from "redis";
import { afterAll, beforeAll, beforeEach, expect } from "vitest";
import type { RequestName, RequestPayload } from "../../client/src/protocol/index.ts";
import { redisServerInstalled } from "./installed.ts";
import { faultsOf, type Instances, startInstances } from "./instances.ts";
import { type RedisServer, startRedis } from "./redis-server.ts";
import { ask, askData, type Collected, collect, connectStock, type StockSocket } from "./stock-client.ts";
import { messageId, uniqueRoom } from "./unique.ts";
import { waitFor } from "./wait.ts";

const failsWithinMs = 2_500;

type Publish = RequestPayload<"message:publish">;
type Admin = Awaited<ReturnType<typeof openAdmin>>;

/**
 * What the tests of a file do their outages to: two instances on one Redis, a publisher on the first and a member on the
 * second. Each test has a room of its own; the connections of all tests are the first ones.
 */
export class OutageStage {
  #parts: Parts | undefined;
  room = "";

  constructor() {
    beforeAll(async () => {
      this.#parts = await startParts();
    });
    beforeEach(async () => {
      this.room = uniqueRoom();
      for (const socket of [this.publisher, this.member]) await askData(socket, "room:join", { room: this.room });
      await this.publish("before");
      await this.delivered("before");
    });
    afterAll(async () => {
      const { instances, redis, connections, publisher, member } = this.#started;
      const faults = instances.servers.flatMap(faultsOf);
      const ended = instances.servers.map((server) => server.ended);
      const after = [publisher.id, member.id];
      for (const socket of [publisher, member]) socket.disconnect();
      await instances[Symbol.asyncDispose]();
      await redis[Symbol.asyncDispose]();
      expect(faults).toEqual([]);
      expect(ended).toEqual([undefined, undefined]);
      expect(after).toEqual(connections);
    });
  }

  get redis(): RedisServer {
    return this.#started.redis;
  }

  get instances(): Instances {
    return this.#started.instances;
  }

  get publisher(): StockSocket {
    return this.#started.publisher;
  }

  get member(): StockSocket {
    return this.#started.member;
  }

  /** What the member was told of all rooms so far. */
  get published(): Collected<"message:published"> {
    return this.#started.published;
  }

  messageOf(text: string): Publish {
    return { room: this.room, id: messageId(), event: "chat:message", data: { text } };
  }

  publish(text: string) {
    return askData(this.publisher, "message:publish", this.messageOf(text));
  }

  delivered(text: string): Promise<true> {
    const texts = () =>
      this.published.items
        .filter(({ room }) => room === this.room)
        .flatMap(({ messages }) => messages.map(({ data }) => (data as { text: string }).text));
    return waitFor(() => texts().includes(text), `the message "${text}" on the other instance`);
  }

  /** Asks while Redis is away; the answer must come in time, and be UNAVAILABLE. */
  async refused<Name extends RequestName>(
    socket: StockSocket,
    event: Name,
    payload: RequestPayload<Name>,
  ): Promise<void> {
    const startedMs = performance.now();
    const answer = await ask(socket, event, payload);
    expect(performance.now() - startedMs, `${event} to fail in time`).toBeLessThan(failsWithinMs);
    expect(answer, event).toMatchObject({ ok: false, error: { code: "UNAVAILABLE", retryable: true } });
  }

  async allRefused(message: Publish): Promise<void> {
    const { room, publisher, member } = this;
    await Promise.all([
      this.refused(publisher, "message:publish", message),
      this.refused(publisher, "history:read", { room }),
      this.refused(publisher, "room:join", { room: uniqueRoom() }),
      this.refused(publisher, "signal:send", { room, event: "chat:cursor", data: { x: 1, y: 1 } }),
      this.refused(member, "room:join", { room, since: "1-1" }),
    ]);
  }

  healthAnswers(status: number): Promise<true> {
    const { servers } = this.instances;
    const answer = async () =>
      (await Promise.all(servers.map((server) => server.readyStatus()))).every((each) => each === status);
    return waitFor(answer, `/readyz of both instances to answer ${status}`);
  }

  /** Forgets the positions told so far, and gives back a wait for the next ones. */
  nextPositions(): () => Promise<unknown> {
    const { positions } = this.#started;
    const counts = positions.map(({ items }) => items.length);
    const told = ({ items }: Collected<"room:position">, index: number) =>
      waitFor(
        () => items.slice(counts[index]).find(({ room }) => room === this.room),
        "room:position on each instance after the outage",
      );
    return () => Promise.all(positions.map(told));
  }

  /** Publishing, delivery to the other instance and signals, as on any other day. */
  async everythingWorks(): Promise<void> {
    const { signals } = this.#started;
    const fence = `fence ${messageId()}`;
    await this.publish(fence);
    await this.delivered(fence);
    const before = signals.items.length;
    await askData(this.publisher, "signal:send", { room: this.room, event: "chat:typing", data: {} });
    await waitFor(() => signals.items.length > before, "a signal on the other instance");
  }

  /** A signal that was refused during the outage never arrives, not even late. */
  noLateSignal(): void {
    const { items } = this.#started.signals;
    expect(items.filter(({ room, event }) => room === this.room && event === "chat:cursor")).toEqual([]);
  }

  async asAdmin(work: (admin: Admin) => Promise<unknown>): Promise<void> {
    const admin = await openAdmin(this.redis.url);
    try {
      await work(admin);
    } finally {
      admin.destroy();
    }
  }

  get #started(): Parts {
    if (this.#parts === undefined) throw new Error("expected the stage to be set up");
    return this.#parts;
  }
}

interface Parts {
  readonly redis: RedisServer;
  readonly instances: Instances;
  readonly publisher: StockSocket;
  readonly member: StockSocket;
  readonly published: Collected<"message:published">;
  readonly signals: Collected<"signal:sent">;
  readonly positions: readonly Collected<"room:position">[];
  readonly connections: readonly (string | undefined)[];
}

async function startParts(): Promise<Parts> {
  const redis = await startRedis({ persist: redisServerInstalled });
  const instances = await startInstances(2, { redis });
  const [publisher, member] = await Promise.all([connectStock(instances.url(0)), connectStock(instances.url(1))]);
  return {
    redis,
    instances,
    publisher,
    member,
    published: collect(member, "message:published"),
    signals: collect(member, "signal:sent"),
    positions: [publisher, member].map((socket) => collect(socket, "room:position")),
    connections: [publisher.id, member.id],
  };
}

async function openAdmin(url: string) {
  const admin = createClient({ url });
  admin.on("error", () => undefined);
  await admin.connect();
  return admin;
}
