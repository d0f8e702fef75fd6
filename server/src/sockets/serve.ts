import type { Logger } from "pino";
import type { DisconnectReason } from "socket.io";
import type { Identify } from "../auth/identify.ts";
import type { Revocations } from "../auth/revocations.ts";
import { renewOwnerEveryMs } from "../auth/session-owners.ts";
import { deadlineMs, requestId, type Surroundings } from "../platforms/surroundings.ts";
import type { Presence } from "../presence/presence.ts";
import type { Caller } from "../requests/caller.ts";
import type { Requests } from "../requests/carry-out.ts";
import type { ConnectionEnding } from "../telemetry/events.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { watchToken } from "./aging.ts";
import { askingConnection } from "./asking-connection.ts";
import { limitsOf } from "./connection-limits.ts";
import { ConnectionLogger } from "./connection-logger.ts";
import { dispatch } from "./dispatch.ts";
import { openingOf, scheduleNotice } from "./expiry-notice.ts";
import { lastHeard } from "./heard.ts";
import { socketMembership } from "./membership.ts";
import { ConnectionMove } from "./moves.ts";
import { recheckRooms } from "./recheck-rooms.ts";
import type { RoomSocket } from "./room-server.ts";

export interface ServeParts {
  readonly requests: Requests;
  readonly identify: Identify;
  readonly revocations: Pick<Revocations, "isNoted">;
  /** Resolves when everything that is appended to a room from now on arrives here. Throws UNAVAILABLE. */
  readonly confirmed: (room: string) => Promise<void>;
  /** Is told of connections, because members have some. */
  readonly presence: Pick<Presence, "opened" | "remove" | "closed" | "isMember" | "endMembership">;
  /** Where this process runs, and what its platform says of connections. */
  readonly surroundings: Surroundings;
  /** How many times this process has slept, see `SleepDetector`. */
  readonly sleeps: () => number;
  readonly telemetry: Telemetry;
  readonly logger: Logger;
}

/** How long a connection may be open without being in the namespace. */
export const connectTimeoutMs = 10_000;

/** Serves a socket that was admitted, until it is gone. */
export function serve(parts: ServeParts, socket: RoomSocket): void {
  const { standing } = socket.data;
  const { user, session } = standing;
  const { headers } = socket.handshake;
  const request = requestId(parts.surroundings, headers);
  // The platform's own logs name the connection by its request.
  const fields = { connection: socket.id, session, ...(request === undefined ? {} : { request }) };
  const logger = new ConnectionLogger(parts.logger, fields);
  // These belong to the WebSocket: the socket is another one after each disconnection from the namespace.
  const { limiter, readTokens, pace, outgoing, reads, admission } = limitsOf(socket);
  admission.admit();
  const { requests, telemetry } = parts;
  const client = { connection: socket.id, user, session };
  telemetry.connectionOpened(client);
  const move = new ConnectionMove(socket, telemetry);
  const aging = watchToken(socket, standing);
  socket.data.aging = aging;
  const opened = openingOf(socket.request);
  const deadline = deadlineMs(parts.surroundings, headers, opened.wallMs);
  const caller: Caller = {
    identity: standing,
    from: { user, session },
    connection: socket.id,
    carrier: askingConnection(socket, opened, deadline),
    membership: socketMembership(socket, parts.confirmed),
    reads,
    refreshToken: async (token) => {
      const { query } = socket.handshake;
      await parts.identify.refresh(standing, { token, headers, query });
      aging.restart();
      move.renewed();
      await recheckRooms(socket);
      return standing.identity.expiresAtMs ?? null;
    },
  };
  socket.data.onExpelled = (room, code) => {
    // After UNAVAILABLE the client joins again.
    parts.presence.remove(socket.id, room, code === "FORBIDDEN" ? "closed" : "broken");
  };
  socket.data.membership = {
    isMember: (room) => parts.presence.isMember(socket.id, room),
    end: (room) => parts.presence.endMembership(socket.id, room),
  };
  parts.presence.opened({ id: socket.id, heardAt: () => lastHeard(socket) });
  const dispatching = { requests, caller, limiter, readTokens, pace, outgoing, telemetry, logger };
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

  const cancelNotice = deadline === undefined ? undefined : scheduleNotice(socket, opened, deadline);
  const renewal = setInterval(() => {
    parts.identify.keepSession(standing).catch((err: unknown) => logger.warn({ err }, "the session was not renewed"));
  }, renewOwnerEveryMs(user)).unref();
  logger.debug({}, "connection opened");
  socket.on("disconnect", (reason) => {
    cancelNotice?.();
    aging.stop();
    clearInterval(renewal);
    admission.leave();
    parts.presence.closed(socket.id, isForGood(reason) ? "closed" : "broken");
    socket.data.seat.leave();
    const ending = endingOf(reason);
    telemetry.connectionClosed(client, ending);
    move.ended(ending === "client");
    if (reason === "client namespace disconnect") closeUnlessAdmitted(socket);
    logger.debug({ reason }, "connection closed");
  });
  // Revoked after Redis was asked, and before this socket could be found by its user.
  if (parts.revocations.isNoted(standing)) socket.disconnect(true);
}

/** Whether a side has ended the connection on purpose; everything else is an accident, after which the client comes back. */
function isForGood(reason: DisconnectReason): boolean {
  return reason === "client namespace disconnect" || reason === "server namespace disconnect";
}

function endingOf(reason: DisconnectReason): ConnectionEnding {
  switch (reason) {
    case "client namespace disconnect":
      return "client";
    case "server namespace disconnect":
    case "server shutting down":
      return "server";
    case "ping timeout":
      return "silent";
    default:
      return "broken";
  }
}

/** A connection that has left the namespace gets the time that a new one gets. */
function closeUnlessAdmitted(socket: RoomSocket): void {
  const { admission } = limitsOf(socket);
  setTimeout(() => {
    if (!admission.isAdmitted) socket.conn.close();
  }, connectTimeoutMs).unref();
}
