import { createRemoteJWKSet, errors, type JWTVerifyGetKey } from "jose";
import { elapsedMs, type Moment, momentNow } from "../clock/elapsed.ts";
import { RequestError } from "../errors.ts";

/** A key set that is older is fetched again, while its keys go on verifying. So a key that was withdrawn does not stay valid. */
const freshForMs = 10 * 60_000;
/** Milliseconds after a fetch before an unknown key, or an earlier failure, causes another one. */
const coolDownMs = 10_000;
/** The same as long as there is no key set at all: nobody can connect meanwhile. */
const emptyCoolDownMs = 1_000;
const fetchTimeoutMs = 5_000;

/**
 * Finds the keys of a key set that is fetched from a URL. A key that is known is used whether the key server can be
 * reached or not. An unknown one makes the set be fetched again, at most once in ten seconds. Whether such a token is
 * good is not known before that, so until then it is refused with UNAVAILABLE, and with the time that is left.
 */
export function createKeySet(url: URL, onFailure: (cause: unknown) => void = () => undefined): JWTVerifyGetKey {
  // jose would fetch a set that is too old before it uses its keys, and fail with the key server. It would also ask a
  // server that is away once for every unknown key. So when to fetch is decided here, and fetching is left to jose.
  const keys = createRemoteJWKSet(url, {
    cacheMaxAge: Number.POSITIVE_INFINITY,
    cooldownDuration: Number.POSITIVE_INFINITY,
    timeoutDuration: fetchTimeoutMs,
  });
  let begun: Moment | undefined;
  let hasFailed = false;
  let underWay: Promise<void> | undefined;

  const sinceFetchMs = () => (begun === undefined ? Number.POSITIVE_INFINITY : elapsedMs(begun));

  const fetchKeys = (): Promise<void> => {
    if (underWay !== undefined) return underWay;
    begun = momentNow();
    underWay = keys
      .reload()
      .then(
        () => {
          hasFailed = false;
        },
        (cause: unknown) => {
          hasFailed = true;
          onFailure(cause);
          throw unavailable(keys.jwks() === undefined ? emptyCoolDownMs : coolDownMs);
        },
      )
      .finally(() => {
        underWay = undefined;
      });
    return underWay;
  };

  /** Throws UNAVAILABLE where the last fetch is too short a time ago. */
  const fetchUnlessJustDone = async (pauseMs: number): Promise<void> => {
    const leftMs = underWay === undefined ? pauseMs - sinceFetchMs() : 0;
    if (leftMs > 0) throw unavailable(Math.ceil(leftMs));
    await fetchKeys();
  };

  return async (header, token) => {
    if (keys.jwks() === undefined) {
      await fetchUnlessJustDone(emptyCoolDownMs);
    } else if (sinceFetchMs() > (hasFailed ? coolDownMs : freshForMs)) {
      // How it ends is told to onFailure; who is waiting here needs no fresh key set.
      fetchKeys().catch(() => undefined);
    }
    try {
      return await keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
    }
    await fetchUnlessJustDone(coolDownMs);
    return keys(header, token);
  };
}

function unavailable(retryAfterMs: number): RequestError {
  return new RequestError("UNAVAILABLE", "the key of the token cannot be looked up now", retryAfterMs);
}
