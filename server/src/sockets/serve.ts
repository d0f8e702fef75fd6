import type { Logger } from "pino";
import { lifetimeHeader, lifetimeMs } from "../platforms/lifetime.ts";
import type { Caller } from "../requests/caller.ts";
import type { Requests } from "../requests/carry-out.ts";
import { limitsOf } from "./connection-limits.ts";
import { dispatch } from "./dispatch.ts";
import { scheduleNotice } from "./expiry-notice.ts";
import { socketMembership } from "./membership.ts";
import type { RoomSocket } from "./room-server.ts";

export interface ServeParts {
  readonly requests: Requests;
  /** Resolves when everything that is appended to a room from now on arrives here. Throws UNAVAILABLE. */
  readonly confirmed: (room: string) => Promise<void>;
  readonly functionTimeoutSeconds: number | undefined;
  /** How many times this process has slept, see `SleepDetector`. */
  readonly sleeps: () => number;
  readonly logger: Logger;
}

/** How long a connection may be open without being in the namespace. */
export const connectTimeoutMs = 10_000;

/** Serves a socket that was admitted, until it is gone. */
export function serve(parts: ServeParts, socket: RoomSocket): void {
  const { identity } = socket.data;
  const { user, session } = identity;
  const logger = parts.logger.child({ connection: socket.id, session });
  // These belong to the WebSocket: the socket is another one after each disconnection from the namespace.
  const { limiter, readTokens, pace, outgoing, reads, admission } = limitsOf(socket);
  admission.admit();
  const caller: Caller = {
    identity,
    from: { user, session },
    connection: socket.id,
    membership: socketMembership(socket, parts.confirmed),
    reads,
  };
  const dispatching = { requests: parts.requests, caller, limiter, readTokens, pace, outgoing, logger };
  const sleepsBefore = parts.sleeps();
  socket.onAny((event: unknown, ...args: unknown[]) => {
    // A packet that was in the buffer during a sleep is not served: the connection is being cut.
    if (parts.sleeps() !== sleepsBefore) return;
    void dispatch(dispatching, event, args);
  });
  socket.on("error", (error: unknown) => {
    // An event of this name that the client sent comes here, too, and has been answered.
    if (error instanceof Error) logger.debug({ reason: error.message }, "packet not understood");
  });

  const lifetime = lifetimeMs(socket.handshake.headers[lifetimeHeader], parts.functionTimeoutSeconds);
  const cancelNotice = lifetime === undefined ? undefined : scheduleNotice(socket, lifetime);
  logger.debug("connection opened");
  socket.on("disconnect", (reason) => {
    cancelNotice?.();
    admission.leave();
    if (reason === "client namespace disconnect") closeUnlessAdmitted(socket);
    logger.debug({ reason }, "connection closed");
  });
}

/** A connection that has left the namespace gets the time that a new one gets. */
function closeUnlessAdmitted(socket: RoomSocket): void {
  const { admission } = limitsOf(socket);
  setTimeout(() => {
    if (!admission.isAdmitted) socket.conn.close();
  }, connectTimeoutMs).unref();
}
