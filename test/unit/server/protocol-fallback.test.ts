import { ErrorReply } from "redis";
import { expect, test, vi } from "vitest";
import { withProtocolFallback } from "../../../server/src/redis/protocol-fallback.ts";
import type { ClientEvents, ProtocolVersion, RedisClient } from "../../../server/src/redis/redis-client.ts";

/** Clients whose server refuses version 3 with the error, or, without one, speaks it. */
function clientsOf(refusal: Error | undefined) {
  const made: ProtocolVersion[] = [];
  const destroyed: ProtocolVersion[] = [];
  const create = (protocol: ProtocolVersion, events: ClientEvents): RedisClient => {
    made.push(protocol);
    const client: Partial<RedisClient> = {
      connect: async () => {
        if (protocol === 3 && refusal !== undefined) {
          events.onError(refusal);
          throw refusal;
        }
        events.onReady();
      },
      destroy: () => {
        destroyed.push(protocol);
      },
      probe: async () => protocol,
    };
    return client as RedisClient;
  };
  const events = { onReady: vi.fn(), onError: vi.fn() };
  return { made, destroyed, events, client: withProtocolFallback(events, create) };
}

test("a server that knows version 3 is spoken to in it", async () => {
  const { client, made, events } = clientsOf(undefined);
  await client.connect();
  expect(made).toEqual([3]);
  expect(await client.probe()).toBe(3);
  expect(events.onReady).toHaveBeenCalledOnce();
});

test.each([
  "ERR unknown command 'HELLO', with args beginning with: '3' 'SETNAME' 'holdfast-commands' ",
  "ERR unknown command `HELLO`, with args beginning with: `3`, ",
  "NOPROTO unsupported protocol version",
  "NOPERM User app has no permissions to run the 'hello' command",
  "ERR unsupported command",
])("a server that answers %s is spoken to in version 2, and nobody hears of it", async (answer) => {
  const { client, made, destroyed, events } = clientsOf(new ErrorReply(answer));
  await client.connect();
  expect(made).toEqual([3, 2]);
  expect(destroyed).toEqual([3]);
  expect(await client.probe()).toBe(2);
  expect(events.onReady).toHaveBeenCalledOnce();
  expect(events.onError).not.toHaveBeenCalled();
  client.destroy();
  expect(destroyed).toEqual([3, 2]);
});

test.each([
  new ErrorReply("WRONGPASS invalid username-password pair or user is disabled."),
  new ErrorReply("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO option"),
  new Error("connect ECONNREFUSED 127.0.0.1:6379"),
])("what version 2 cannot help is told as it is: $message", async (error) => {
  const { client, made, events } = clientsOf(error);
  await expect(client.connect()).rejects.toBe(error);
  expect(made).toEqual([3]);
  expect(events.onError).toHaveBeenCalledWith(error);
});
