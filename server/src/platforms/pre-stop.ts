import type { Availability } from "../availability.ts";

/** How long after one pre-stop hook no other one takes the instance out of service. */
const outOfServiceEveryMs = 10 * 60_000;

export interface PreStopParts {
  readonly availability: Pick<Availability, "suspend" | "resume">;
  readonly hasClients: () => boolean;
  /** Asks the clients to move; resolves when they have, or when the drain time is over. */
  readonly moveClients: () => Promise<void>;
}

export interface PreStop {
  /** Answers the hook: resolves when the clients have moved, or when the drain time is over. */
  readonly run: () => Promise<void>;
  /** Takes note of a request that came through the trigger. */
  readonly arrived: () => void;
}

/**
 * Makes the answer to the platform's pre-stop hook: it moves the clients away, and serves again afterwards. A platform
 * that then destroys the instance sends nobody any more; one that froze it thaws it for a client that is to be served.
 *
 * Every call moves every client, because nothing tells a true call from an earlier one that proved false. A stranger who
 * forges the platform's header does limited damage: within ten minutes of one call no other one takes the instance out of
 * service, so the clients move, and may come back at once.
 *
 * A call without clients does nothing at all: the platform may make one before each freeze. Somebody who arrives when the
 * last client has moved away shows that the instance lives on: it may have been frozen in the middle of its answer.
 */
export function createPreStop({ availability, hasClients, moveClients }: PreStopParts): PreStop {
  let suspendedAtMs = Number.NEGATIVE_INFINITY;
  let underWay: Promise<void> | undefined;

  const run = async () => {
    if (!hasClients()) return;
    const nowMs = performance.now();
    if (nowMs - suspendedAtMs >= outOfServiceEveryMs) {
      suspendedAtMs = nowMs;
      availability.suspend();
    }
    await moveClients();
    availability.resume();
  };

  return {
    run: () => {
      underWay ??= run().finally(() => {
        underWay = undefined;
      });
      return underWay;
    },
    arrived: () => {
      if (!hasClients()) availability.resume();
    },
  };
}
