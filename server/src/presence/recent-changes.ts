import type { MembersNotice, RoomCopy } from "./fold.ts";
import type { PresenceFrame } from "./frame.ts";
import type { MemberVersion } from "./member-version.ts";

/** Changes of a room that are remembered for clients that come back. */
const rememberedChanges = 256;

/** The latest changes of a room, for a client that comes back and knows the members from before. */
export class RecentChanges {
  #epoch = "";
  /** Every change after this number is remembered. */
  #floor = 0;
  readonly #changes: { readonly n: number; readonly session: string }[] = [];

  /** A list was read: which changes led to it is not known. */
  begin({ epoch, n }: MemberVersion): void {
    this.#epoch = epoch;
    this.#floor = n;
    this.#changes.length = 0;
  }

  add({ epoch, n, previous, changes }: PresenceFrame): void {
    if (epoch !== this.#epoch) this.begin({ epoch, n: previous });
    for (const { session } of changes) this.#changes.push({ n, session });
    while (this.#changes.length > rememberedChanges) {
      const [oldest] = this.#changes.splice(0, 1);
      if (oldest !== undefined) this.#floor = oldest.n;
    }
  }

  /** What a client that stands at `since` has missed; undefined where that is not known. */
  after(since: MemberVersion, copy: RoomCopy): MembersNotice | undefined {
    const { version, count, mode, entries } = copy;
    const reachesBack = since.epoch === this.#epoch && since.n >= this.#floor && since.n <= version.n;
    if (!reachesBack || mode === "count" || version.epoch !== this.#epoch) return undefined;
    const sessions = new Set(this.#changes.filter(({ n }) => n > since.n).map(({ session }) => session));
    const present = [...sessions].flatMap((session) => entries.get(session)?.member ?? []);
    const left = [...sessions].filter((session) => !entries.has(session));
    return { version, previous: since, joined: present, updated: [], left, count, mode };
  }
}
