import { backoffMs } from "./backoff.ts";
import type { Connection, Token } from "./connection.ts";
import { HoldfastError, tokenFailed } from "./errors.ts";

/**
 * Gives the server a fresh token for a connection that is up, and calls `token` until it gives one; `failed` hears why
 * it does not. False where the connection has to be replaced instead: the server does not take the token, or the
 * application gives none, so that a cookie may prove who its user is. A fixed text lasts as long as it does, on
 * whatever connection.
 */
export async function refreshToken(
  connection: Connection,
  token: Token | undefined,
  failed: (error: HoldfastError) => void,
): Promise<boolean> {
  if (typeof token !== "function") return token !== undefined;
  const id = connection.id();
  // One that was cut comes back with a token of its own.
  const isUp = () => connection.id() === id;
  for (let attempt = 0; isUp(); ) {
    const fresh = await Promise.resolve().then(token).catch(tokenFailed);
    if (!isUp()) break;
    if (!(fresh instanceof HoldfastError)) {
      return (await connection.request("token:refresh", { token: fresh })).ok || !isUp();
    }
    failed(fresh);
    await connection.wait(backoffMs(attempt++));
  }
  return true;
}
