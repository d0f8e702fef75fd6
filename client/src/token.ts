import { backoffMs } from "./backoff.ts";
import type { Connection, Token } from "./connection.ts";

/**
 * Gives the server a fresh token for a connection that is up, and calls `token` until it gives one; `failed` hears why
 * it does not. False where the connection has to be replaced instead: the server does not take the token, or the
 * application gives none, so that a cookie may prove who its user is. A fixed text lasts as long as it does, on
 * whatever connection. Loaded only where a token is about to expire.
 */
export async function refreshToken(
  connection: Connection,
  token: Token | undefined,
  failed: (cause: unknown) => void,
): Promise<boolean> {
  if (typeof token !== "function") return token !== undefined;
  const id = connection.id();
  // One that was cut comes back with a token of its own.
  const isUp = () => connection.id() === id;
  for (let attempt = 0; isUp(); ) {
    try {
      const fresh = await token();
      return !isUp() || (await connection.request("token:refresh", { token: fresh })).ok || !isUp();
    } catch (cause) {
      if (!isUp()) break;
      failed(cause);
    }
    await connection.wait(backoffMs(attempt++));
  }
  return true;
}
