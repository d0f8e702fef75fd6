import { notifications } from "@holdfast/client/protocol";
import type { LimitName } from "../errors.ts";

// The values that an event may have where a metric is divided by them. No client can add one.

/** Where somebody was refused. */
export const doors = ["handshake", "socket", "http"] as const;
export type Door = (typeof doors)[number];

/** Why a WebSocket was refused before it was open. */
export const upgradeRefusals = ["origin", "connections"] as const;
export type UpgradeRefusal = (typeof upgradeRefusals)[number];

/** Why the server cut a connection. */
export const cutReasons = [
  "slow reader",
  "too many packets",
  "too many connects",
  "too many refusals",
  "too many control frames",
] as const;
export type CutReason = (typeof cutReasons)[number];

/** How a connection ended: its client left, the server ended it, it broke, or nothing was heard of it any more. */
export const endings = ["client", "server", "broken", "silent"] as const;
export type ConnectionEnding = (typeof endings)[number];

/** Why a connection was told to move, as the protocol has it. */
export const moveReasons = notifications["connection:expiring"].shape.reason.options;
export type MoveReason = (typeof moveReasons)[number];

/** What became of a connection that was told to move: its client left it, gave it a fresh token, or lost it before. */
export const moveOutcomes = ["moved", "renewed", "cut"] as const;
export type MoveOutcome = (typeof moveOutcomes)[number];

export const signalDrops = ["late", "slow reader"] as const;
export const leaveReasons = ["left", "disconnected", "lost"] as const;

/** The connections to Redis. */
export const links = ["commands", "subscriptions"] as const;
export type Link = (typeof links)[number];

/** Why a command to Redis failed: the link was away, no answer came in time, or the answer was an error. */
export const commandFailures = ["away", "unanswered", "refused"] as const;
export type CommandFailure = (typeof commandFailures)[number];

/** The server that something happened on, as `createServer` gives it. */
interface OnServer {
  readonly server: object;
}

interface InRoom extends OnServer {
  readonly room: string;
}

interface OfConnection extends OnServer {
  readonly connection: string;
}

interface OfClient extends OfConnection {
  readonly user: string | null;
  readonly session: string | null;
}

/** What is published on `node:diagnostics_channel`, by the name of the channel. */
export interface TelemetryEvents {
  "holdfast:connection:opened": OfClient;
  "holdfast:connection:closed": OfClient & { readonly ending: ConnectionEnding };
  "holdfast:connection:cut": OnServer & { readonly reason: CutReason };
  "holdfast:connection:expiring": OfConnection & { readonly reason: MoveReason };
  "holdfast:connection:moved": OfConnection & { readonly reason: MoveReason; readonly outcome: MoveOutcome };
  "holdfast:upgrade:refused": OnServer & { readonly reason: UpgradeRefusal };
  "holdfast:request:refused": OnServer & {
    readonly door: Door;
    readonly code: string;
    /** Where a limit has refused it. */
    readonly limit: LimitName | undefined;
  };
  "holdfast:room:joined": InRoom & { readonly isResumed: boolean };
  "holdfast:log:read": InRoom & {
    /** How many messages the answer holds. */
    readonly messages: number;
    /** Whether they were asked for from a position on, as by a client that comes back. */
    readonly isReplay: boolean;
    /** False where the answer says that messages are lost, or may be. */
    readonly isRecovered: boolean;
  };
  "holdfast:log:lost": InRoom;
  "holdfast:message:published": InRoom & { readonly isDuplicate: boolean };
  "holdfast:batch:appended": InRoom & {
    /** How long each message of the batch took, from its publish to Redis' answer. */
    readonly tookMs: readonly number[];
  };
  "holdfast:batch:delivered": InRoom & {
    readonly messages: number;
    /** Connections that each of them was sent to. */
    readonly receivers: number;
    /** Time since Redis appended them, to the millisecond. */
    readonly ageMs: number;
  };
  "holdfast:signal:sent": InRoom;
  "holdfast:signal:delivered": InRoom & { readonly receivers: number };
  "holdfast:signal:dropped": OnServer & { readonly reason: (typeof signalDrops)[number]; readonly receivers: number };
  "holdfast:member:joined": InRoom & { readonly user: string | null; readonly session: string };
  "holdfast:member:left": InRoom & {
    readonly user: string | null;
    readonly session: string;
    readonly reason: (typeof leaveReasons)[number];
  };
  "holdfast:redis:up": OnServer & { readonly link: Link };
  "holdfast:redis:lost": OnServer & { readonly link: Link; readonly reason: Error };
  "holdfast:redis:answered": OnServer & { readonly link: Link; readonly tookMs: number };
  "holdfast:redis:failed": OnServer & { readonly link: Link; readonly reason: CommandFailure };
}

export type ChannelName = keyof TelemetryEvents;
