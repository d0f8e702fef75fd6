import type { IncomingMessage } from "node:http";
import { elapsedMs, type Moment, momentNow } from "../clock/elapsed.ts";
import { whenElapsed } from "../clock/when-elapsed.ts";
import { noteExpiring } from "./moves.ts";

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

/** A token with less left is not told of any more: it has been told of before, or was hardly worth opening a connection with. */
const shortestNoticedMs = 500;

/**
 * How long after a connection has got a token it is told that it ends, or undefined where it is not told. A client that is
 * told moves, and its application may give it the same token again: by half-lives that would go on and on. So a token that
 * has spent three quarters of its life is told of only shortly before its end, and then no more.
 *
 * @param lifeMs - from the token's issue to its end; undefined where that is not known
 */
export function tokenNoticeDelayMs(leftMs: number, lifeMs: number | undefined, random: number): number | undefined {
  if (leftMs < shortestNoticedMs) return undefined;
  if (lifeMs === undefined || leftMs >= lifeMs * marginShare) return noticeDelayMs(leftMs, random);
  const latestMs = leftMs - longestMarginMs;
  return latestMs > longestMarginMs ? Math.round(latestMs - longestMarginMs * random) : undefined;
}

const openedAt = new WeakMap<IncomingMessage, Moment>();

/** Takes note of when the platform's clock for a connection starts: at its upgrade, before Socket.IO's own handshake. */
export function noteOpening(request: IncomingMessage): void {
  openedAt.set(request, momentNow());
}

/** When that was; now for a connection that nobody took note of. */
export function openingOf(request: IncomingMessage): Moment {
  return openedAt.get(request) ?? momentNow();
}

/** What is asked of a socket whose connection has a lifetime. */
interface LimitedSocket {
  emit(event: "connection:expiring", notice: { readonly reason: "timeout"; readonly deadlineMs: number }): unknown;
}

/**
 * Tells a connection to move before its lifetime ends.
 *
 * @param deadlineMs - by the wall clock at its opening
 * @returns a function that cancels the notice
 */
export function scheduleNotice(socket: LimitedSocket, opened: Moment, deadlineMs: number): () => void {
  const lifetimeMs = deadlineMs - opened.wallMs;
  return whenElapsed(opened, noticeDelayMs(lifetimeMs, Math.random()), () => {
    const leftMs = Math.round(lifetimeMs - elapsedMs(opened));
    socket.emit("connection:expiring", { reason: "timeout", deadlineMs: Date.now() + leftMs });
    noteExpiring(socket, "timeout");
  });
}
