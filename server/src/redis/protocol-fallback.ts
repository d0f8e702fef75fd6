import { ErrorReply } from "redis";
import type { ClientEvents, ProtocolVersion, RedisClient } from "./redis-client.ts";

/** Makes a client that speaks one version of the protocol. */
type Create = (protocol: ProtocolVersion, events: ClientEvents) => RedisClient;

/**
 * A client that speaks version 3 of the protocol, and version 2 from the moment in which its server refuses `HELLO`, as
 * old proxies do. Every fresh client begins with 3 again, so that a server that was replaced is met as what it is now.
 */
export function withProtocolFallback(events: ClientEvents, create: Create): RedisClient {
  const modern = create(3, {
    // What happens to the first client after it was given up is ignored.
    onReady: () => client === modern && events.onReady(),
    onError: (error) => {
      if (client !== modern || destroyed) return;
      if (isHelloRefused(error)) fallBack();
      else events.onError(error);
    },
  });
  let client = modern;
  let destroyed = false;
  let connected: Promise<unknown> | undefined;
  const fallBack = () => {
    client = create(2, events);
    modern.destroy();
    connected = client.connect();
    // The caller of connect() gets this failure there. Later the client goes on trying, and reports failures by events.
    connected.catch(() => undefined);
  };
  return {
    redirects: modern.redirects,
    connect: async () => {
      try {
        await modern.connect();
      } catch (error) {
        if (connected === undefined) throw error;
        await connected;
      }
    },
    destroy: () => {
      destroyed = true;
      client.destroy();
    },
    probe: () => client.probe(),
    info: () => client.info(),
    evalSha: (sha, keys, args) => client.evalSha(sha, keys, args),
    scriptLoad: (source) => client.scriptLoad(source),
    eval: (source, keys, args) => client.eval(source, keys, args),
    sSubscribe: (channel, listener) => client.sSubscribe(channel, listener),
    sUnsubscribe: (channel, listener) => client.sUnsubscribe(channel, listener),
    sPublish: (channel, message) => client.sPublish(channel, message),
  };
}

/** `ERR unknown command 'HELLO'`, `NOPROTO …`, `NOPERM … 'hello' …`; not the NOAUTH that misses a password. */
function isHelloRefused(error: Error): boolean {
  if (!(error instanceof ErrorReply) || error.message.startsWith("NOAUTH")) return false;
  return /^NOPROTO|unknown command|unsupported command|hello/i.test(error.message);
}
