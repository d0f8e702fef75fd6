import { pino } from "pino";
import type { Draft } from "../../server/src/log/group-commit.ts";
import { KnownPositions } from "../../server/src/log/known-positions.ts";
import { RoomLog, type RoomLogOptions } from "../../server/src/log/room-log.ts";
import { createSingleClient } from "../../server/src/redis/single-client.ts";
import { SupervisedClient } from "../../server/src/redis/supervised-client.ts";
import { messageId, uniquePrefix } from "../support/unique.ts";

export type LogSettings = Partial<Omit<RoomLogOptions, "link" | "known">>;

/** The part of one instance that appends and reads, without sockets around it. */
export interface OpenLog extends Disposable {
  readonly log: RoomLog;
  readonly known: KnownPositions;
  readonly keyPrefix: string;
}

/** Opens the log as an instance does; two with the same `keyPrefix` are two instances. */
export async function openLog(url: string, settings: LogSettings = {}): Promise<OpenLog> {
  const link = new SupervisedClient({
    role: "commands",
    createClient: (role, events) => createSingleClient(url, role, events),
    logger: pino({ level: "silent" }),
  });
  await link.open();
  const options = {
    keyPrefix: uniquePrefix(),
    historyMaxMessages: 1000,
    historyTtlSeconds: 600,
    idRetentionSeconds: 120,
    ...settings,
  };
  const known = new KnownPositions(options.historyTtlSeconds);
  return {
    log: new RoomLog({ ...options, link, known }),
    known,
    keyPrefix: options.keyPrefix,
    [Symbol.dispose]: () => link.close(),
  };
}

/** A message on its way into a log, with `text` as its data. */
export function draftOf(
  text: string,
  { id = messageId(), after = "" }: Partial<Pick<Draft, "id" | "after">> = {},
): Draft {
  const rest = JSON.stringify({
    id,
    event: "chat:message",
    data: { text },
    from: { user: null, session: null },
    sentAtMs: 1,
  });
  const body = rest.slice(1);
  return { id, after, body, bytes: Buffer.byteLength(body) };
}
