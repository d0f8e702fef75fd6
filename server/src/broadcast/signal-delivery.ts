import type { RedisClock } from "../redis/redis-clock.ts";
import { signalUntilMs, withExceptions } from "./frame.ts";

/** Why a signal was not delivered. */
export type SignalDrop = "late" | "slow reader";

export interface SignalDeliveryOptions {
  readonly clock: Pick<RedisClock, "momentMs">;
  /** The members of a room on this instance for which so much waits that a signal would come late. */
  readonly slowReadersIn: (room: string) => readonly string[];
  /** Is told of signals that were dropped: of a late one, and of one for each reader. */
  readonly dropped: (why: SignalDrop, count: number) => void;
  /** Is told of a signal that goes on, and of how many slow readers it leaves out. */
  readonly passed?: (room: string, frame: Buffer, leftOut: number) => void;
}

/**
 * What the adapter gets of a frame that arrived: all but signals as they are, a signal whose latest moment has passed
 * not at all, and a signal in time without the readers that are too slow for it. They get what is kept, the messages.
 */
export function deliverSignals(options: SignalDeliveryOptions): (room: string, frame: Buffer) => Buffer | undefined {
  const { clock, slowReadersIn, dropped, passed } = options;
  return (room, frame) => {
    const untilMs = signalUntilMs(frame);
    if (untilMs === undefined) return frame;
    if (clock.momentMs(room, 0) > untilMs) {
      dropped("late", 1);
      return undefined;
    }
    const slow = slowReadersIn(room);
    passed?.(room, frame, slow.length);
    if (slow.length === 0) return frame;
    dropped("slow reader", slow.length);
    return withExceptions(frame, slow);
  };
}
