import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { faultsOf, type Instances, startInstances } from "./instances.ts";
import { askData, type Collected, collect, connectStock, type StockSocket } from "./stock-client.ts";
import { messageId, uniqueRoom } from "./unique.ts";

export interface WatchedInstance {
  readonly url: string;
  readonly port: number;
  /** Everything it printed so far. */
  readonly output: string;
}

/**
 * One instance for a whole file of tests that do bad things to it. After each of them it lives, and a bystander on the
 * same connection as ever publishes and receives; at the end it has logged no fault.
 */
export function instanceWithBystander(env: Readonly<Record<string, string>>): WatchedInstance {
  let instances: Instances;
  let bystander: StockSocket;
  let published: Collected<"message:published">;
  const room = uniqueRoom("bystander");
  const server = () => {
    const [only] = instances.servers;
    if (only === undefined) throw new Error("expected an instance");
    return only;
  };

  beforeAll(async () => {
    instances = await startInstances(1, { env });
    bystander = await connectStock(server().url);
    published = collect(bystander, "message:published");
    await askData(bystander, "room:join", { room });
  });

  afterEach(async () => {
    expect(server().ended).toBeUndefined();
    expect(bystander.connected).toBe(true);
    const id = messageId();
    await askData(bystander, "message:publish", { room, id, event: "chat:message", data: { text: "fence" } });
    await published.waitFor(({ messages }) => messages.some((message) => message.id === id), "the fence message");
  });

  afterAll(async () => {
    const faults = instances.servers.flatMap(faultsOf);
    bystander.disconnect();
    await instances[Symbol.asyncDispose]();
    expect(faults).toEqual([]);
  });

  return {
    get url() {
      return server().url;
    },
    get port() {
      return server().port;
    },
    get output() {
      return server().output;
    },
  };
}
