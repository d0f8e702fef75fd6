import { createClient, createCluster } from "redis";
import type { Position } from "../../../client/src/protocol/position.ts";
import { addedEntry, type LoggedCommand } from "../../support/append-only-file.ts";
import type { Entry } from "./history.ts";

/** Where the log of a room is, in Redis. */
export type LogKey = (room: string) => string;

/** Reads logs straight from Redis, on a line of its own that suffers from nothing but Redis itself. */
export interface LogSource {
  /** The entries from `from` on, which is the first of them where the log still holds it; all without it. */
  read(key: string, from?: Position): Promise<Entry[]>;
  close(): void;
}

interface StreamEntry {
  readonly id: string;
  readonly message: Readonly<Record<string, string>>;
}

export async function openLogSource(urls: readonly string[]): Promise<LogSource> {
  const [url, ...others] = urls;
  const client =
    others.length === 0
      ? createClient({ url: url ?? "", socket: { reconnectStrategy: () => 50 } })
      : createCluster({ rootNodes: urls.map((node) => ({ url: node })) });
  // Redis is killed again and again: node-redis reconnects, and what fails meanwhile is tried again by the recorder.
  client.on("error", () => undefined);
  await client.connect();
  return {
    async read(key, from = "0-0") {
      const found: readonly StreamEntry[] = (await client.xRange(key, from, "+")) ?? [];
      return found.map(({ id, message }) => entryOf(id, message));
    },
    close: () => client.destroy(),
  };
}

/** What commands that Redis wrote to its disk added to a log. */
export function entriesIn(commands: readonly LoggedCommand[], key: string): Entry[] {
  return commands.flatMap(({ args }) => {
    const added = addedEntry(args);
    return added?.key === key ? [entryOf(added.id, added.fields)] : [];
  });
}

/** A log holds a message as the JSON behind its position. What names a loss (`l`) is an entry and no message. */
function entryOf(id: string, { m: body, l: loss }: Readonly<Record<string, string>>): Entry {
  const position = id as Position;
  if (loss !== undefined) return { position, text: undefined };
  const { data } = JSON.parse(`{${body}`) as { data: { text: string } };
  return { position, text: data.text };
}
