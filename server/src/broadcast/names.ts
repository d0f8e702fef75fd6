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

/** The channel of a room, as the sharded adapter in dynamic mode names it for the namespace `/`. */
export function roomChannel(prefix: string, room: string): string {
  return `${prefix}#/#${adapterRoom(room)}#`;
}

/** The room of a channel, or undefined for a channel of the adapter's own. */
export function roomOfChannel(prefix: string, channel: string): string | undefined {
  const start = prefix.length + "#/#".length;
  return channel.startsWith("{", start) ? channel.slice(start + 1, -"}#".length) : undefined;
}
