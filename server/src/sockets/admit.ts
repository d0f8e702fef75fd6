import type { Identify } from "../auth/identify.ts";
import type { Availability } from "../availability.ts";
import { RequestError } from "../errors.ts";
import { parseHandshake } from "./handshake.ts";
import type { RoomSocket } from "./room-server.ts";
import type { Seat, Seats } from "./seats.ts";

/**
 * A client that a draining instance refused tries again at a random moment within this time. It does not back off
 * further and further: the next attempt may reach another instance, and its old connection will not last.
 */
const drainingRetryMs = 1_000;

export interface AdmitParts {
  readonly identify: Identify;
  readonly availability: Pick<Availability, "isDraining">;
  readonly seats: Seats;
}

/** Admits a socket to the namespace: finds out who it is. Throws the RequestError that refuses it. */
export async function admit(parts: AdmitParts, socket: RoomSocket): Promise<void> {
  // It was closed for what it sent: nothing is verified for it any more.
  if (socket.conn.readyState !== "open") throw new RequestError("UNAVAILABLE", "the connection is closed");
  const seat = parts.seats.take();
  // A socket whose connection ends before it is admitted is never heard of again.
  socket.conn.once("close", () => seat.leave());
  try {
    await identifyIn(seat, parts, socket);
  } catch (error) {
    seat.leave();
    throw error;
  }
}

async function identifyIn(seat: Seat, { identify, availability }: AdmitParts, socket: RoomSocket): Promise<void> {
  const { session, token } = parseHandshake(socket.handshake);
  const { headers, query } = socket.handshake;
  const standing = await identify.connection({ token, headers, query }, session);
  seat.assign(standing);
  // Asked last: a client that is admitted after the drain has begun would never be notified to move.
  if (availability.isDraining) {
    throw new RequestError("DRAINING", "this instance is going away", Math.ceil(Math.random() * drainingRetryMs));
  }
  socket.data.standing = standing;
  socket.data.seat = seat;
}
