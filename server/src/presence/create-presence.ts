import type { Config } from "../config.ts";
import type { SupervisedClient } from "../redis/supervised-client.ts";
import { leasesKey, presenceKeys } from "./keys.ts";
import { LeaseStore } from "./lease-store.ts";
import { membersChannel } from "./members-channel.ts";
import { Presence, type PresenceOptions } from "./presence.ts";
import { PresenceStore } from "./presence-store.ts";
import { membersCheckMs } from "./room-rounds.ts";

interface PresenceParts extends Pick<PresenceOptions, "tell" | "pingAll" | "cut" | "listener" | "logger"> {
  readonly commands: SupervisedClient;
  readonly subscriptions: Parameters<typeof membersChannel>[0];
}

type PresenceSettings = Pick<
  Config,
  "keyPrefix" | "historyTtlSeconds" | "presenceAnnounceMax" | "presenceGraceSeconds" | "presenceLeaseSeconds"
>;

/** The members of rooms as one instance knows them, with what they need of Redis. */
export function createPresence(settings: PresenceSettings, { commands, subscriptions, ...effects }: PresenceParts) {
  const { keyPrefix, presenceLeaseSeconds: leaseSeconds } = settings;
  const keysOf = (room: string) => presenceKeys(keyPrefix, room);
  return new Presence({
    ...effects,
    store: new PresenceStore({
      redis: commands,
      keysOf,
      announceMax: settings.presenceAnnounceMax,
      // Between two checks nothing may expire.
      ttlSeconds: Math.max(settings.historyTtlSeconds, (4 * membersCheckMs) / 1000),
    }),
    leases: new LeaseStore(commands, leasesKey(keyPrefix), leaseSeconds * 1000),
    graceSeconds: settings.presenceGraceSeconds,
    leaseSeconds,
    channel: membersChannel(subscriptions, (room) => keysOf(room).channel),
  });
}
