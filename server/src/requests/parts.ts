import type { BeforePublish } from "../application/before-publish.ts";
import type { OwnRequests } from "../application/own-requests.ts";
import type { OnStored } from "../application/published-hook.ts";
import type { ContractSchemas } from "../application/schemas.ts";
import type { SignalChannel } from "../broadcast/signal-channel.ts";
import type { KnownPositions } from "../log/known-positions.ts";
import type { RoomLog } from "../log/room-log.ts";
import type { Presence } from "../presence/presence.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { UserLimits } from "./user-limits.ts";
import type { WaitingRequests } from "./waiting-requests.ts";

/** What the handlers work with; each asks for the parts that it needs. */
export interface RequestParts {
  readonly log: Pick<RoomLog, "append" | "read">;
  readonly known: Pick<KnownPositions, "enter">;
  readonly signals: Pick<SignalChannel, "send">;
  readonly schemas: ContractSchemas;
  readonly hooks: Hooks;
  /** A publisher has none. */
  readonly presence?:
    | Pick<Presence, "join" | "endMembership" | "leave" | "remove" | "update" | "withdraw" | "list">
    | undefined;
  /** What bounds the requests that wait for the application. */
  readonly waiting: WaitingRequests;
  /** A publisher is the server's own side: it has no users, and nobody asks it how it is. */
  readonly userLimits?: Pick<UserLimits, "take">;
  /** How long ago this process went on after it had stood still for too long for signals. A publisher reads no buffers. */
  readonly sinceStallMs?: () => number;
  readonly telemetry?: Pick<Telemetry, "published" | "signalled" | "joined" | "logRead">;
}

/** The application's own code, as far as requests meet it. A publisher has none. */
interface Hooks {
  readonly beforePublish?: BeforePublish | undefined;
  readonly onStored?: OnStored | undefined;
  readonly ownRequests?: OwnRequests | undefined;
}
