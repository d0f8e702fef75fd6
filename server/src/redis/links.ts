import type { Logger } from "pino";
import type { RedisTarget } from "../config.ts";
import { type ClientEvents, createSingleClient, type LinkRole } from "./client.ts";
import { createClusterClient } from "./cluster-client.ts";
import { startEmbeddedValkey } from "./embedded.ts";
import { RedisLink } from "./link.ts";
import type { Subscriptions } from "./subscriptions.ts";
import { type Backend, requireBackend } from "./version.ts";

export interface Links {
  readonly commands: RedisLink;
  readonly subscriptions: Subscriptions;
  readonly backend: Backend & { readonly embedded: boolean };
  /** True while commands and subscriptions can both be expected to work. */
  readonly areUp: boolean;
  close(): Promise<void>;
}

/**
 * Opens the connections to Redis, one for each role, after starting the embedded Valkey where no Redis is named. Throws
 * a sentence with the next step when Redis cannot be reached or is too old.
 */
export async function openLinks(
  target: RedisTarget,
  logger: Logger,
  createSubscriptions: (link: RedisLink) => Subscriptions,
): Promise<Links> {
  const embedded = target.kind === "embedded" ? await startEmbeddedValkey() : undefined;
  const createClient = (role: LinkRole, events: ClientEvents) =>
    target.kind === "cluster"
      ? createClusterClient(target.urls, role, events)
      : createSingleClient(target.kind === "single" ? target.url : (embedded?.url ?? ""), role, events);
  const commands = new RedisLink({ role: "commands", createClient, logger });
  const subscriber = new RedisLink({ role: "subscriptions", createClient, logger });
  const subscriptions = createSubscriptions(subscriber);
  const close = async () => {
    commands.close();
    subscriber.close();
    await embedded?.stop();
  };
  try {
    await Promise.all([commands.open(), subscriber.open()]);
    const backend = { ...(await requireBackend(commands)), embedded: embedded !== undefined };
    return {
      commands,
      subscriptions,
      backend,
      get areUp() {
        return commands.isUp && subscriber.isUp;
      },
      close,
    };
  } catch (error) {
    await close();
    throw withNextStep(target, error);
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
