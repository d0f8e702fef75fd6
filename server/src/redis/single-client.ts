import { createClient } from "redis";
import { retryDelayMs } from "./backoff.ts";
import { withProtocolFallback } from "./protocol-fallback.ts";
import type { ClientEvents, ClientRole, ProtocolVersion, RedisClient } from "./redis-client.ts";

export const socketOptions = {
  connectTimeout: 3_000,
  keepAliveInitialDelay: 5_000,
  reconnectStrategy: retryDelayMs,
} as const;

// Without the offline queue a command fails at once while Redis is away, instead of being carried out late.
// Maintenance notifications are a feature of one hosted Redis that we do not use.
// Its own time limit makes an AbortSignal for each command; SupervisedClient has one that costs less.
export const clientOptions = {
  disableOfflineQueue: true,
  maintNotifications: "disabled",
  commandOptions: { timeout: 0 },
} as const;

/**
 * A script that writes nothing and that Redis treats as a write anyway, since it does not say `no-writes`: a
 * replica refuses it with READONLY. It needs no key, and no right that the log does not need.
 */
const writeProbe = "#!lua flags=allow-oom\nreturn 1";

export function createSingleClient(url: string, role: ClientRole, events: ClientEvents): RedisClient {
  return withProtocolFallback(events, (protocol, itsEvents) => connectableClient(url, role, protocol, itsEvents));
}

function connectableClient(
  url: string,
  role: ClientRole,
  protocol: ProtocolVersion,
  events: ClientEvents,
): RedisClient {
  const name = `holdfast-${role}`;
  const client = createClient({ url, name, socket: { ...socketOptions }, RESP: protocol, ...clientOptions });
  client.on("ready", events.onReady);
  client.on("error", events.onError);
  return {
    redirects: false,
    connect: () => client.connect(),
    destroy: () => client.destroy(),
    // A connection that subscribes may run nothing but PING in protocol 2.
    probe: () =>
      protocol === 2 && client.isPubSubActive ? client.ping() : client.eval(writeProbe, { keys: [], arguments: [] }),
    info: () => client.info("server"),
    evalSha: (sha, keys, args) => client.evalSha(sha, { keys, arguments: args }),
    scriptLoad: (source) => client.scriptLoad(source),
    eval: (source, keys, args) => client.eval(source, { keys, arguments: args }),
    sSubscribe: (channel, listener) => client.sSubscribe(channel, listener, true),
    sUnsubscribe: (channel, listener) => client.sUnsubscribe(channel, listener, true),
    sPublish: (channel, message) => client.sPublish(channel, message),
  };
}
