import type { Standing } from "../auth/standing.ts";
import { momentNow } from "../clock/elapsed.ts";
import { whenElapsed } from "../clock/when-elapsed.ts";
import { noticeDelayMs } from "./expiry-notice.ts";
import type { Aging, RoomSocket } from "./room-server.ts";

/**
 * Tells a connection in time that its token will expire, with the same spread as a function's timeout, and closes it
 * where nothing has come of that when the grace is over.
 */
export function watchToken(socket: RoomSocket, standing: Standing): Aging {
  let cancels: readonly (() => void)[] = [];
  const stop = () => {
    for (const cancel of cancels) cancel();
    cancels = [];
  };
  const restart = () => {
    stop();
    const { closesAtMs, identity } = standing;
    const { expiresAtMs } = identity;
    if (expiresAtMs === undefined || closesAtMs === undefined) return;
    const now = momentNow();
    const leftMs = Math.max(0, expiresAtMs - now.wallMs);
    cancels = [
      whenElapsed(now, noticeDelayMs(leftMs, Math.random()), () => {
        socket.emit("connection:expiring", { reason: "token", deadlineMs: expiresAtMs });
      }),
      whenElapsed(now, closesAtMs - now.wallMs, () => void socket.disconnect(true)),
    ];
  };
  restart();
  return { restart, stop };
}
