import { adapterRoom, roomChannel } from "../broadcast/names.ts";

/** Names of everything that a room has in Redis. */
export interface RoomKeys {
  /** Stream: the room's log. */
  readonly log: string;
  /** String: the history of Redis' data under which the log was written last. */
  readonly life: string;
  /** Hashes: remembered message ids; the two take turns. */
  readonly ids0: string;
  readonly ids1: string;
  /** Sharded pub/sub channel on which the adapter listens for this room. */
  readonly channel: string;
}

export function roomKeys(prefix: string, room: string): RoomKeys {
  const base = `${prefix}:${adapterRoom(room)}`;
  return {
    log: `${base}:log`,
    life: `${base}:life`,
    ids0: `${base}:ids:0`,
    ids1: `${base}:ids:1`,
    channel: roomChannel(prefix, room),
  };
}
