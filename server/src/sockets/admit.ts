import type { Identify } from "../auth/identify.ts";
import type { Availability } from "../availability.ts";
import { RequestError } from "../errors.ts";
import type { Rollout } from "../rollout/rollout.ts";
import { parseHandshake } from "./handshake.ts";
import type { RoomSocket } from "./room-server.ts";
import type { Seat, Seats } from "./seats.ts";

export interface AdmitParts {
  readonly identify: Identify;
  readonly availability: Pick<Availability, "isDraining" | "drainingRetryMs">;
  readonly rollout: Pick<Rollout, "admit">;
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

async function identifyIn(
  seat: Seat,
  { identify, availability, rollout }: AdmitParts,
  socket: RoomSocket,
): Promise<void> {
  const { session, token } = parseHandshake(socket.handshake);
  const { headers, query } = socket.handshake;
  const standing = await identify.connection({ token, headers, query }, session);
  seat.assign(standing);
  await rollout.admit(session);
  // Asked last: a client that is admitted after the drain has begun would never be notified to move.
  if (availability.isDraining) {
    throw new RequestError("DRAINING", "this instance is going away", availability.drainingRetryMs());
  }
  socket.data.standing = standing;
  socket.data.seat = seat;
}
