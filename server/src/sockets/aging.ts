import type { Standing } from "../auth/standing.ts";
import { momentNow } from "../clock/elapsed.ts";
import { whenElapsed } from "../clock/when-elapsed.ts";
import { tokenNoticeDelayMs } from "./expiry-notice.ts";
import { noteExpiring } from "./moves.ts";
import type { Aging } from "./room-server.ts";

/** What is asked of a socket whose token is watched. */
interface AgingSocket {
  emit(event: "connection:expiring", notice: { readonly reason: "token"; readonly deadlineMs: number }): unknown;
  disconnect(close: true): unknown;
}

/**
 * Tells a connection in time that its token will expire, with the same spread as a function's timeout, and closes it
 * where nothing has come of that when the grace is over.
 */
export function watchToken(socket: AgingSocket, standing: Standing): Aging {
  let cancels: readonly (() => void)[] = [];
  let isStopped = false;
  const cancelAll = () => {
    for (const cancel of cancels) cancel();
    cancels = [];
  };
  const stop = () => {
    isStopped = true;
    cancelAll();
  };
  const restart = () => {
    cancelAll();
    // A token may come when its connection is gone: nothing would ever cancel its timers.
    if (isStopped) return;
    const { closesAtMs, identity } = standing;
    const { expiresAtMs, issuedAtSeconds } = identity;
    if (expiresAtMs === undefined || closesAtMs === undefined) return;
    const now = momentNow();
    const leftMs = Math.max(0, expiresAtMs - now.wallMs);
    const lifeMs = issuedAtSeconds === undefined ? undefined : expiresAtMs - issuedAtSeconds * 1000;
    const noticeMs = tokenNoticeDelayMs(leftMs, lifeMs, Math.random());
    const tell = () => {
      socket.emit("connection:expiring", { reason: "token", deadlineMs: expiresAtMs });
      noteExpiring(socket, "token");
    };
    cancels = [
      ...(noticeMs === undefined ? [] : [whenElapsed(now, noticeMs, tell)]),
      whenElapsed(now, closesAtMs - now.wallMs, () => void socket.disconnect(true)),
    ];
  };
  restart();
  return { restart, stop };
}
