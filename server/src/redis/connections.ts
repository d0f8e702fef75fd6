import type { Logger } from "pino";
import type { RedisTarget } from "../config.ts";
import { createClusterClient } from "./cluster-client.ts";
import { type EmbeddedValkey, startEmbeddedValkey } from "./embedded.ts";
import type { ClientEvents, ClientRole, RedisClient } from "./redis-client.ts";
import { createSingleClient } from "./single-client.ts";
import { type LinkTelemetry, SupervisedClient } from "./supervised-client.ts";
import { requireBackend } from "./version.ts";

/** An instance's connections to Redis, one for each role. They are made first and opened later, so that parts can use them. */
export class RedisConnections {
  readonly commands: SupervisedClient;
  readonly subscriber: SupervisedClient;
  readonly #target: RedisTarget;
  #embedded: EmbeddedValkey | undefined;
  #backend = "";

  constructor(target: RedisTarget, logger: Logger, telemetry?: LinkTelemetry) {
    this.#target = target;
    const createClient = (role: ClientRole, events: ClientEvents) => this.#createClient(role, events);
    this.commands = new SupervisedClient({ role: "commands", createClient, logger, telemetry });
    this.subscriber = new SupervisedClient({ role: "subscriptions", createClient, logger, telemetry });
    // What is subscribed to on a server that is no master (any more) may hear nothing, and would not know.
    this.commands.onMisplaced(() => this.subscriber.leave(new Error("the server of the commands is no master")));
  }

  /** What answers, in words: `Redis 7.0.15`. Empty before it is open. */
  get backend(): string {
    return this.#backend;
  }

  /** True while commands and subscriptions can both be expected to work. */
  get areUp(): boolean {
    return this.commands.isUp && this.subscriber.isUp;
  }

  /**
   * Opens the connections of these roles, after starting the embedded Valkey where no Redis is named. Throws a
   * sentence with the next step where Redis cannot be reached, is too old, or where `verify` throws; everything is closed
   * then.
   *
   * @param verify - tries what the server's Redis user must be allowed to do
   */
  async open(roles: "all" | "commands alone", verify: () => Promise<void>): Promise<void> {
    if (this.#target.kind === "embedded") this.#embedded = await startEmbeddedValkey();
    try {
      await Promise.all([this.commands.open(), roles === "all" ? this.subscriber.open() : undefined]);
      const { name, version } = await requireBackend(this.commands);
      this.#backend = `${this.#embedded === undefined ? "" : "embedded "}${name} ${version}`;
      await verify();
    } catch (error) {
      await this.close();
      throw withNextStep(this.#target, error);
    }
  }

  async close(): Promise<void> {
    this.commands.close();
    this.subscriber.close();
    const embedded = this.#embedded;
    this.#embedded = undefined;
    await embedded?.stop();
  }

  #createClient(role: ClientRole, events: ClientEvents): RedisClient {
    if (this.#target.kind === "cluster") return createClusterClient(this.#target.urls, role, events);
    const url = this.#target.kind === "single" ? this.#target.url : this.#embedded?.url;
    if (url === undefined) throw new Error("the embedded Valkey is not started");
    return createSingleClient(url, role, events);
  }
}

function withNextStep(target: RedisTarget, cause: unknown): Error {
  const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
  if (target.kind === "embedded") return new Error(`the embedded Valkey did not start: ${reason}`, { cause });
  const urls = target.kind === "single" ? [target.url] : target.urls;
  const hosts = urls.map((url) => new URL(url).host).join(", ");
  return new Error(
    `Redis at ${hosts} cannot be used: ${reason}. Check REDIS_URL, and that this machine may connect to it.`,
    { cause },
  );
}
