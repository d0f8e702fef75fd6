import type { IncomingMessage } from "node:http";
import { elapsedMs, type Moment, momentNow } from "../clock/elapsed.ts";
import { whenElapsed } from "../clock/when-elapsed.ts";
import type { RoomSocket } from "./room-server.ts";

/** When a connection that the platform cuts at a deadline is notified to move. */
const spreadShare = 0.25;
const longestSpreadMs = 10 * 60_000;
const marginShare = 0.25;
const longestMarginMs = 30_000;

/**
 * How long after its opening a connection is notified to move, for a lifetime of `lifetimeMs` and a random number from 0
 * to 1. The latest moment leaves a margin for the move itself: a quarter of the lifetime, at most 30 s. Before it lies
 * a spread of another quarter, at most 10 min, so that connections that were opened together do not move together.
 */
export function noticeDelayMs(lifetimeMs: number, random: number): number {
  const latestMs = lifetimeMs - Math.min(lifetimeMs * marginShare, longestMarginMs);
  const spreadMs = Math.min(lifetimeMs * spreadShare, longestSpreadMs);
  return Math.round(latestMs - spreadMs * random);
}

const openedAt = new WeakMap<IncomingMessage, Moment>();

/** Takes note of when the platform's clock for a connection starts: at its upgrade, before Socket.IO's own handshake. */
export function noteOpening(request: IncomingMessage): void {
  openedAt.set(request, momentNow());
}

/**
 * Tells a connection to move before its lifetime ends.
 *
 * @returns a function that cancels the notice
 */
export function scheduleNotice(socket: RoomSocket, lifetimeMs: number): () => void {
  const opened = openedAt.get(socket.request) ?? momentNow();
  return whenElapsed(opened, noticeDelayMs(lifetimeMs, Math.random()), () => {
    const leftMs = Math.round(lifetimeMs - elapsedMs(opened));
    socket.emit("connection:expiring", { reason: "timeout", deadlineMs: Date.now() + leftMs });
  });
}
