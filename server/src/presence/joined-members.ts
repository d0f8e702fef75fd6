import type { Member } from "@holdfast/client/protocol";
import { RequestError } from "../errors.ts";
import type { PresenceMode } from "./member.ts";
import type { MemberVersion } from "./member-version.ts";
import type { JoinedView } from "./room-watch.ts";

/** What a client that joins is told of the members. */
export interface JoinedMembers {
  /** Undefined where the client keeps the list that it has. */
  readonly members: readonly Member[] | undefined;
  readonly count: number;
  readonly mode: PresenceMode;
  readonly version: MemberVersion;
}

/** Throws UNAVAILABLE where there is no view. */
export function joinedMembers(view: JoinedView | undefined): JoinedMembers {
  if (view === undefined) throw new RequestError("UNAVAILABLE", "the members cannot be read now");
  const { copy, isWhole } = view;
  return {
    members: isWhole ? [...copy.entries.values()].map(({ member }) => member) : undefined,
    count: copy.count,
    mode: copy.mode,
    version: copy.version,
  };
}
