/** What a right allows: `read` is to join, to read the log and the members; `write` is to publish, to signal, to be present. */
export type Action = "read" | "write";

export type Rights = Readonly<Record<Action, boolean>>;

/** The rights of a claim `rooms`, by room and by pattern. */
export interface RoomRights {
  readonly rooms: ReadonlyMap<string, Rights>;
  /** By what stands before the `*`. */
  readonly patterns: ReadonlyMap<string, Rights>;
}

/** What a right is decided by. */
export interface RightInputs {
  readonly user: string | null;
  /** The claim `rooms`, where the user has one. */
  readonly claim: RoomRights | undefined;
  /** What `authorize` answers: `undefined` where the application has none, `"unasked"` where it has to be asked first. */
  readonly authorized: boolean | "unasked" | undefined;
  /** What decides where nothing else does. */
  readonly roomRights: Rights;
  /** Whether a room `user:<id>` belongs to that user alone. It cannot where everybody is anonymous. */
  readonly inboxes: boolean;
}

/** Rules of one claim: enough for every room of a user, and few enough to look at. */
const longestClaim = 1_000;
/** A room's name, or a name that a `*` ends. */
const rulePattern = /^(?:[A-Za-z0-9_.:@-]{1,128}|[A-Za-z0-9_.:@-]{0,127}\*)$/;
const inboxPrefix = "user:";

/**
 * Decides whether a user may read or write in a room. This is the only place that does. The inbox `user:<id>` is read by
 * its user and by nobody else. Everything else is decided by the claim's longest match, else by `authorize`, else by
 * ROOM_RIGHTS. `"ask"` means that `authorize` decides, and that its answer is not known.
 */
export function decideRight(inputs: RightInputs, room: string, action: Action): boolean | "ask" {
  const { user, claim, authorized, roomRights, inboxes } = inputs;
  if (inboxes && action === "read" && room.startsWith(inboxPrefix)) {
    return user !== null && room === `${inboxPrefix}${user}`;
  }
  const claimed = claim === undefined ? undefined : longestMatch(claim, room);
  if (claimed !== undefined) return claimed[action];
  if (authorized === "unasked") return "ask";
  return authorized ?? roomRights[action];
}

/** The rights of a room's own rule, else of the longest pattern that matches it. */
function longestMatch({ rooms, patterns }: RoomRights, room: string): Rights | undefined {
  const own = rooms.get(room);
  if (own !== undefined || patterns.size === 0) return own;
  for (let length = room.length; length >= 0; length -= 1) {
    const found = patterns.get(room.slice(0, length));
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * Reads a claim `rooms`: an object of room or pattern to rights, `{ "lobby": "read write", "news:*": "read", "*": "" }`.
 * Throws a sentence with what was expected.
 */
export function parseRoomRights(claim: unknown): RoomRights {
  if (typeof claim !== "object" || claim === null || Array.isArray(claim)) {
    throw new Error(`expected rooms to be an object such as {"news:*":"read"}, got ${shown(claim)}`);
  }
  const rules: [string, unknown][] = Object.entries(claim);
  if (rules.length > longestClaim) {
    throw new Error(`expected rooms to have at most ${longestClaim} entries, got ${rules.length}`);
  }
  const rooms = new Map<string, Rights>();
  const patterns = new Map<string, Rights>();
  for (const [rule, value] of rules) {
    if (!rulePattern.test(rule)) {
      throw new Error(
        `expected rooms to name a room, or a pattern with a * only at its end, of A-Z a-z 0-9 _ . : @ -, got ${shown(rule)}`,
      );
    }
    const rights = typeof value === "string" ? parseRights(value) : undefined;
    if (rights === undefined) {
      throw new Error(`expected rooms[${shown(rule)}] to be "read", "write", "read write" or "", got ${shown(value)}`);
    }
    if (rule.endsWith("*")) patterns.set(rule.slice(0, -1), rights);
    else rooms.set(rule, rights);
  }
  return { rooms, patterns };
}

/** Reads `read`, `write`, both with a space between them, or `none`; undefined for anything else. */
export function parseRights(text: string): Rights | undefined {
  const words = text.split(" ").filter((word) => word !== "");
  if (words.length === 1 && words[0] === "none") return { read: false, write: false };
  if (!words.every((word) => word === "read" || word === "write")) return undefined;
  return { read: words.includes("read"), write: words.includes("write") };
}

/** A value in an error's text: short, whatever a token holds. */
function shown(value: unknown): string {
  return (JSON.stringify(value) ?? typeof value).slice(0, 64);
}
