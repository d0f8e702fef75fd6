// The parts of node-redis that its documentation does not promise. They are used here alone. Its version is pinned, and
// test/unit/server/node-redis-private.test.ts fails where that or one of these parts changes.

interface Client {
  readonly isReady: boolean;
  ping(): Promise<unknown>;
}

/** What is used of a cluster's client beside its documented methods. */
export interface PrivateParts {
  readonly masters: readonly { readonly pubSub?: { readonly client: Client } | undefined }[];
  readonly slots: readonly unknown[];
  readonly _slots: { rediscover(): Promise<unknown> };
  removeAllListeners(event: string): unknown;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
}

/** The connections to masters on which sharded channels are subscribed to. */
export function subscribingClients(cluster: PrivateParts): Client[] {
  return cluster.masters.flatMap(({ pubSub }) => (pubSub?.client.isReady ? pubSub.client : []));
}

/** Learns the slots again where one had no owner when they were learnt: such a slot is never redirected. */
export function learnMissingSlots(cluster: PrivateParts): void {
  if (cluster.slots.includes(undefined)) cluster._slots.rediscover().catch(() => undefined);
}

/**
 * When a master leaves, node-redis subscribes to its channels elsewhere without awaiting it, and the first refusal would
 * end the process. This takes that away from it; `resubscribe` has to do the same, with an owner.
 */
export function takeOverResubscribing(cluster: PrivateParts, resubscribe: () => void): void {
  cluster.removeAllListeners("__resubscribeListeners");
  cluster.on("__resubscribeListeners", resubscribe);
}

/** Calls back where a channel could not follow its slot to another master. node-redis may still count it as subscribed. */
export function onChannelLeftBehind(cluster: PrivateParts, listener: (channel: string) => void): void {
  cluster.on("sharded-channel-moved-error", (_error, channel) => listener(String(channel)));
}
