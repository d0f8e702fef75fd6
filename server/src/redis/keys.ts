/**
 * The adapter room of a room: its name in braces. The braces are Redis' hash tag, which puts stream, keys and channel
 * of a room into one slot, and since no room name contains a brace, no client can name another socket's private room.
 */
export function adapterRoom(room: string): string {
  return `{${room}}`;
}

/** The room whose adapter room this is, or undefined for a socket's private room. */
export function roomOfAdapterRoom(name: string): string | undefined {
  return name.startsWith("{") ? name.slice(1, -1) : undefined;
}

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

/** The channel of a room, as the sharded adapter in dynamic mode names it for the namespace `/`. */
export function roomChannel(prefix: string, room: string): string {
  return `${prefix}#/#${adapterRoom(room)}#`;
}

/** The room of a channel, or undefined for a channel of the adapter's own. */
export function roomOfChannel(prefix: string, channel: string): string | undefined {
  const start = prefix.length + "#/#".length;
  return channel.startsWith("{", start) ? channel.slice(start + 1, -"}#".length) : undefined;
}
