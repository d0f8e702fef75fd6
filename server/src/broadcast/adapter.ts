import { createShardedAdapter } from "@socket.io/redis-adapter";
import type { ServerOptions } from "socket.io";
import type { SupervisedClient } from "../redis/supervised-client.ts";
import type { Subscriptions } from "./subscriptions.ts";

/**
 * The stock sharded adapter in dynamic mode (a channel for every room that has local members), on connections that
 * await and verify its subscriptions. Messages and signals are published by the log and not through it; it publishes
 * only what Socket.IO itself sends between servers, and that may fail without harm.
 */
export function createAdapter(
  commands: SupervisedClient,
  subscriptions: Subscriptions,
  keyPrefix: string,
): ServerOptions["adapter"] {
  const publisher = {
    sPublish: (channel: string, message: string) =>
      commands.run((client) => client.sPublish(channel, message)).catch(() => 0),
  };
  const subscriber = {
    sSubscribe: subscriptions.sSubscribe.bind(subscriptions),
    sUnsubscribe: subscriptions.sUnsubscribe.bind(subscriptions),
  };
  return createShardedAdapter(
    // The adapter tells node-redis from other clients by the presence of sSubscribe.
    { ...subscriber, ...publisher },
    subscriber,
    { channelPrefix: keyPrefix, subscriptionMode: "dynamic" },
  );
}
