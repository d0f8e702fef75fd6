import type { Logger } from "pino";
import type { RedisTarget } from "../config.ts";
import { createSingleClient } from "./client.ts";
import { createClusterClient } from "./cluster-client.ts";
import { type EmbeddedValkey, startEmbeddedValkey } from "./embedded.ts";
import { type LinkOptions, RedisLink } from "./link.ts";
import { requireRights } from "./rights.ts";
import type { Subscriptions } from "./subscriptions.ts";
import { type Backend, requireBackend } from "./version.ts";

type CreateClient = LinkOptions["createClient"];

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
 * a sentence with the next step when Redis cannot be reached, is too old, or does not allow its user what is needed.
 */
export async function openLinks(
  target: RedisTarget,
  logger: Logger,
  keyPrefix: string,
  createSubscriptions: (link: RedisLink) => Subscriptions,
): Promise<Links> {
  const { createClient, embedded } = await reach(target);
  const commands = new RedisLink({ role: "commands", createClient, logger });
  const subscriber = new RedisLink({ role: "subscriptions", createClient, logger });
  // What is subscribed to on a server that is no master (any more) may hear nothing, and would not know.
  commands.onMisplaced(() => subscriber.leave(new Error("the server of the commands is no master")));
  const subscriptions = createSubscriptions(subscriber);
  const close = async () => {
    commands.close();
    subscriber.close();
    await embedded?.stop();
  };
  try {
    await Promise.all([commands.open(), subscriber.open()]);
    const backend = { ...(await requireBackend(commands)), embedded: embedded !== undefined };
    await requireRights(commands, subscriber, keyPrefix);
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

/**
 * Opens the connection for commands alone, for a process that publishes and has no members. Throws as {@link openLinks}
 * does.
 */
export async function openCommands(
  target: RedisTarget,
  logger: Logger,
  keyPrefix: string,
): Promise<Pick<Links, "commands" | "close">> {
  const { createClient, embedded } = await reach(target);
  const commands = new RedisLink({ role: "commands", createClient, logger });
  const close = async () => {
    commands.close();
    await embedded?.stop();
  };
  try {
    await commands.open();
    await requireBackend(commands);
    await requireRights(commands, undefined, keyPrefix);
    return { commands, close };
  } catch (error) {
    await close();
    throw withNextStep(target, error);
  }
}

/** How to make clients for a target, whose embedded Valkey is started for that. */
async function reach(target: RedisTarget): Promise<{ createClient: CreateClient; embedded?: EmbeddedValkey }> {
  if (target.kind === "cluster")
    return { createClient: (role, events) => createClusterClient(target.urls, role, events) };
  if (target.kind === "single") return { createClient: (role, events) => createSingleClient(target.url, role, events) };
  const embedded = await startEmbeddedValkey();
  return { createClient: (role, events) => createSingleClient(embedded.url, role, events), embedded };
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
