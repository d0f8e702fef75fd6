import { adapterRoom } from "../broadcast/names.ts";

/** Names of what a room's members have in Redis. All of them share the room's slot. */
export interface PresenceKeys {
  /** Hash: session -> when it joined, its holders, its user. */
  readonly members: string;
  /** Hash: session -> JSON of its state; a session without a state is not in it. */
  readonly states: string;
  /** Hash: name of an instance -> holders that it has in the room. */
  readonly instances: string;
  /** Hash: the room's version and mode. */
  readonly version: string;
  /** Sharded pub/sub channel on which the instances tell each other of changes. */
  readonly channel: string;
}

export function presenceKeys(prefix: string, room: string): PresenceKeys {
  const base = `${prefix}:${adapterRoom(room)}:presence`;
  return {
    members: `${base}:members`,
    states: `${base}:states`,
    instances: `${base}:instances`,
    version: `${base}:version`,
    channel: base,
  };
}

/** Sorted set of the instances' leases. It has a slot of its own: no script touches it and a room. */
export function leasesKey(prefix: string): string {
  return `${prefix}:${adapterRoom("@")}:leases`;
}
