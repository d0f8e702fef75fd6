import type { Connection } from "./connection.ts";
import type { Emitter } from "./emitter.ts";
import { HoldfastError } from "./errors.ts";
import type { Over } from "./outbox.ts";
import type { RequestPayload } from "./protocol/events.ts";

export interface SignalOptions {
  /**
   * Of the signals of one event in a room only the newest counts, as of a cursor or a slider: the first is sent at once,
   * then the newest of each 50 ms, the last one always. So it may be called as often as something moves. Default: false,
   * each is sent.
   */
  readonly latest?: boolean;
}

/** A third of a user's `SIGNALS_PER_SECOND`, so that a user may have several tabs in which something moves. */
const INTERVAL_MS = 50;
/** What was held back for longer, by a page or a machine that slept, describes the past. */
const LATE_MS = 1000;

/** Lets one of a key pass at once, and of those that come within the interval after it the newest, at its end. */
function createLatest() {
  /** By key, while its interval lasts. */
  const held = new Map<string, (() => void) | undefined>();

  return function pass(key: string, send: () => void) {
    if (!held.has(key)) {
      setTimeout(() => {
        const newest = held.get(key);
        held.delete(key);
        if (newest) pass(key, newest);
      }, INTERVAL_MS);
      send();
      held.set(key, undefined);
    } else held.set(key, send);
  };
}

/** Sends signals through `route()`, the connection to use for a room now. While there is none, a signal is lost. */
export function createSignals(route: (room: string) => Connection | undefined) {
  const pass = createLatest();

  /** @param over - tells that the handle which sends it is over */
  return ({ emit }: Emitter, payload: RequestPayload<"signal:send">, options?: SignalOptions, over?: Over) => {
    const calledAtMs = Date.now();
    function send() {
      if (over?.() || Date.now() - calledAtMs > LATE_MS) return;
      void route(payload.room)
        ?.request("signal:send", payload)
        .then((reply) => {
          // One that was lost on the way is not told.
          if (!reply.ok && !reply.error.retryable) emit("error", new HoldfastError(reply.error));
        });
    }
    if (options?.latest) pass(`${payload.room} ${payload.event}`, send);
    else send();
  };
}
