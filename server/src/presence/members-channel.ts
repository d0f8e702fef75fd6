import type { Subscriptions } from "../broadcast/subscriptions.ts";
import { type PresenceFrame, parsePresenceFrame } from "./frame.ts";

/** The channels on which instances tell each other of changes: a channel for each room that somebody here watches. */
export function membersChannel(subscriptions: Subscriptions, channelOf: (room: string) => string) {
  return {
    async subscribe(room: string, receive: (frame: PresenceFrame) => void): Promise<void> {
      const channel = channelOf(room);
      subscriptions.sSubscribe(channel, (message) => {
        const frame = parsePresenceFrame(message.toString());
        if (frame !== undefined) receive(frame);
      });
      await subscriptions.confirmed(channel);
    },
    unsubscribe: (room: string): void => subscriptions.sUnsubscribe(channelOf(room)),
    resubscribe: (room: string): Promise<void> => subscriptions.resubscribe(channelOf(room)),
  };
}
