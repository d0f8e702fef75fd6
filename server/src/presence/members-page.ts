import type { Member } from "@holdfast/client/protocol";
import type { Lease } from "./lease.ts";
import { isGone } from "./lease-view.ts";
import type { PresenceMode } from "./member.ts";
import type { MemberVersion } from "./member-version.ts";
import type { PresenceStore } from "./presence-store.ts";

/** A page of members. */
export interface MembersPage {
  readonly members: readonly Member[];
  readonly count: number;
  readonly mode: PresenceMode;
  readonly version: MemberVersion;
  readonly cursor: string | undefined;
}

interface Asked {
  /** `<epoch>:<Redis' cursor>`, from the page before. */
  readonly cursor: string | undefined;
  /** Members, about. */
  readonly limit: number | undefined;
}

const pageOfMembers = 200;

/**
 * Reads a page of a room's members, without those whose instances are all gone. Answers the names of these instances, too.
 * Throws UNAVAILABLE.
 */
export async function readPage(
  store: Pick<PresenceStore, "page">,
  lease: Pick<Lease, "held" | "look" | "view">,
  room: string,
  { cursor, limit = pageOfMembers }: Asked,
): Promise<{ readonly page: MembersPage; readonly gone: readonly string[] }> {
  const { name } = await lease.held();
  const [epoch = "", at = "0"] = cursor?.split(":") ?? [];
  const listed = await store.page(room, name, cursor === undefined ? undefined : { epoch, at }, limit);
  if (listed.instances.some((instance) => lease.view?.ends.has(instance) !== true)) await lease.look();
  const { view } = lease;
  const gone = new Set(view === undefined ? [] : listed.instances.filter((instance) => isGone(view, instance)));
  const shown = listed.members.filter(({ instances }) => instances.some((instance) => !gone.has(instance)));
  const { count, mode, version } = listed.head;
  return {
    page: {
      members: shown.map(({ entry }) => entry.member),
      count,
      mode,
      version,
      cursor: listed.cursor === "0" ? undefined : `${version.epoch}:${listed.cursor}`,
    },
    gone: [...gone],
  };
}
