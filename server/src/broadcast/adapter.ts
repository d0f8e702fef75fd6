import { createShardedAdapter } from "@socket.io/redis-adapter";
import type { Namespace, ServerOptions } from "socket.io";
import type { ChannelListener } from "../redis/redis-client.ts";
import type { SupervisedClient } from "../redis/supervised-client.ts";
import { type DirectPacket, directPacketReader } from "./direct-packet.ts";
import { roomOfChannel } from "./names.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** What Socket.IO takes for an adapter. */
export type AdapterFactory = NonNullable<ServerOptions["adapter"]>;

export interface AdapterParts {
  readonly commands: Pick<SupervisedClient, "run">;
  readonly subscriptions: Pick<Subscriptions, "sSubscribe" | "sUnsubscribe">;
  readonly keyPrefix: string;
  /** Gives a broadcast to the members of a room on this instance. */
  readonly deliver: (namespace: Namespace, room: string, packet: DirectPacket) => void;
}

/**
 * The stock sharded adapter in dynamic mode (a channel for every room that has local members), on connections that
 * await and verify its subscriptions. Messages and signals are published by the log and not through it, and are delivered
 * as the bytes that they came as; the adapter reads what is left: frames of other servers, and what Socket.IO itself sends
 * between servers, which may fail without harm.
 */
export function createAdapter({ commands, subscriptions, keyPrefix, deliver }: AdapterParts): AdapterFactory {
  const publisher = {
    sPublish: (channel: string, message: string) =>
      commands.run((client) => client.sPublish(channel, message)).catch(() => 0),
  };
  // Socket.IO calls it with `new`.
  return function adapterOf(namespace: Namespace) {
    const subscriber = {
      sSubscribe: (channel: string, listener: ChannelListener) => {
        const room = roomOfChannel(keyPrefix, channel);
        subscriptions.sSubscribe(channel, room === undefined ? listener : directly(namespace, room, listener));
      },
      sUnsubscribe: (channels: string | readonly string[]) => subscriptions.sUnsubscribe(channels),
    };
    return createShardedAdapter(
      // The adapter tells node-redis from other clients by the presence of sSubscribe.
      { ...subscriber, ...publisher },
      subscriber,
      { channelPrefix: keyPrefix, subscriptionMode: "dynamic" },
    )(namespace);
  };

  function directly(namespace: Namespace, room: string, otherwise: ChannelListener): ChannelListener {
    const read = directPacketReader(room);
    return (frame, channel) => {
      const packet = read(frame);
      if (packet === undefined) otherwise(frame, channel);
      else deliver(namespace, room, packet);
    };
  }
}
