import * as z from "zod";
import { type Entry, entryOf, type PresenceMode } from "./member.ts";

/** What one session is after a change: a member, or none. */
interface Change {
  readonly session: string;
  readonly entry: Entry | undefined;
}

/** What an instance has published about the members of a room. */
export interface PresenceFrame {
  readonly epoch: string;
  /** The number before the changes. */
  readonly previous: number;
  readonly n: number;
  readonly count: number;
  readonly mode: PresenceMode;
  /** Name of the instance. */
  readonly by: string;
  readonly changes: readonly Change[];
  /** Holders of other instances that a leave has ended. */
  readonly ended: readonly string[];
}

const gone = z.tuple([z.string()]);
const present = z.tuple([z.string(), z.number(), z.string().nullable(), z.unknown()]);

const schema = z.object({
  epoch: z.string(),
  previous: z.number(),
  n: z.number(),
  count: z.number(),
  mode: z.enum(["members", "count"]),
  by: z.string(),
  changes: z.array(z.union([present, gone])),
  ended: z.array(z.string()),
});

/** Reads what `publish` in room.lua writes; undefined for anything else. */
export function parsePresenceFrame(text: string): PresenceFrame | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { success, data } = schema.safeParse(json);
  return success ? { ...data, changes: data.changes.map(changeOf) } : undefined;
}

function changeOf(change: z.infer<typeof present> | z.infer<typeof gone>): Change {
  const [session, joinedAtMs, user, state] = change;
  if (joinedAtMs === undefined || user === undefined) return { session, entry: undefined };
  return { session, entry: entryOf(session, joinedAtMs, user, state === null ? "" : JSON.stringify(state)) };
}
