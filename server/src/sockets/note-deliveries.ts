import type { Position } from "@holdfast/client/protocol";
import { type ChainLink, exceptedIn } from "../broadcast/frame.ts";
import { adapterRoom } from "../broadcast/names.ts";
import type { SignalDrop } from "../broadcast/signal-delivery.ts";
import type { RedisClock } from "../redis/redis-clock.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { RoomServer } from "./room-server.ts";

export interface DeliveryNotes {
  /** A broadcast of a log has come, which all members of the room here get. */
  readonly onBroadcast: (room: string, link: ChainLink) => void;
  /** A signal has come, which they get but for so many, and but for its sender. */
  readonly passed: (room: string, frame: Buffer, leftOut: number) => void;
  readonly dropped: (why: SignalDrop, count: number) => void;
}

interface NoteParts {
  readonly io: RoomServer;
  readonly clock: Pick<RedisClock, "momentMs">;
  readonly telemetry: Pick<
    Telemetry,
    "hearsDeliveries" | "delivered" | "hearsSignals" | "signalDelivered" | "signalsDropped"
  >;
}

/** Tells how many connections get what has come, and how old it is, just before they get it. */
export function noteDeliveries({ io, clock, telemetry }: NoteParts): DeliveryNotes {
  const namespace = io.of("/");
  const membersOf = (room: string) => namespace.adapter.rooms.get(adapterRoom(room));
  return {
    onBroadcast(room, { atMs, previous, head }) {
      if (atMs === undefined || previous === undefined || !telemetry.hearsDeliveries) return;
      const receivers = membersOf(room)?.size ?? 0;
      if (receivers === 0) return;
      const ageMs = Math.max(0, clock.momentMs(room, 0) - atMs);
      telemetry.delivered({ room, messages: messagesIn(previous, head), receivers, ageMs });
    },
    passed(room, frame, leftOut) {
      if (!telemetry.hearsSignals) return;
      const members = membersOf(room);
      const sender = exceptedIn(frame);
      const receivers = (members?.size ?? 0) - leftOut - (members?.has(sender) === true ? 1 : 0);
      if (receivers > 0) telemetry.signalDelivered(room, receivers);
    },
    dropped: (why, count) => telemetry.signalsDropped(why, count),
  };
}

/**
 * The messages of a batch: consecutive numbers of one epoch, which begins at 0. For each batch that comes, so the
 * positions are not taken apart for it.
 */
export function messagesIn(previous: Position, head: Position): number {
  const numberAt = head.indexOf("-") + 1;
  const last = Number(head.slice(numberAt));
  return previous.startsWith(head.slice(0, numberAt)) ? last - Number(previous.slice(numberAt)) : last + 1;
}
