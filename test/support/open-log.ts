import { pino } from "pino";
import type { Draft } from "../../server/src/log/group-commit.ts";
import { roomKeys } from "../../server/src/log/keys.ts";
import { KnownPositions } from "../../server/src/log/known-positions.ts";
import { draftOf as messageDraft } from "../../server/src/log/message-json.ts";
import { RoomLog, type RoomLogOptions } from "../../server/src/log/room-log.ts";
import { RedisClock } from "../../server/src/redis/redis-clock.ts";
import { createSingleClient } from "../../server/src/redis/single-client.ts";
import { SupervisedClient } from "../../server/src/redis/supervised-client.ts";
import { messageId, uniquePrefix } from "./unique.ts";

export type LogSettings = Partial<Omit<RoomLogOptions, "redis" | "keysOf" | "known">> & {
  readonly keyPrefix?: string;
};

/** The part of one instance that appends and reads, without sockets around it. */
export interface OpenLog extends Disposable {
  readonly log: RoomLog;
  readonly known: KnownPositions;
  readonly keyPrefix: string;
}

/** Opens the log as an instance does; two with the same `keyPrefix` are two instances. */
export async function openLog(url: string, settings: LogSettings = {}): Promise<OpenLog> {
  const redis = new SupervisedClient({
    role: "commands",
    createClient: (role, events) => createSingleClient(url, role, events),
    logger: pino({ level: "silent" }),
  });
  await redis.open();
  const { keyPrefix = uniquePrefix(), ...given } = settings;
  const options = {
    historyMaxMessages: 1000,
    historyTtlSeconds: 600,
    idRetentionSeconds: 120,
    ...given,
  };
  const known = new KnownPositions(options.historyTtlSeconds);
  return {
    log: new RoomLog({
      clock: new RedisClock(),
      ...options,
      redis,
      keysOf: (room) => roomKeys(keyPrefix, room),
      known,
    }),
    known,
    keyPrefix,
    [Symbol.dispose]: () => redis.close(),
  };
}

/** A message on its way into a log, with `text` as its data. */
export function draftOf(
  text: string,
  { id = messageId(), after = "" }: Partial<Pick<Draft, "id" | "after">> = {},
): Draft {
  const from = { user: null, session: null };
  return messageDraft({ id, event: "chat:message", dataJson: JSON.stringify({ text }), from, sentAtMs: 1 }, after);
}
