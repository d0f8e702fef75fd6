import type { Logger } from "pino";
import { isIssuedUpTo, type Revocations } from "../auth/revocations.ts";
import type { Order } from "../broadcast/control-channel.ts";
import { RequestError } from "../errors.ts";
import { connectionsOf, recheckRooms } from "./recheck-rooms.ts";
import type { RoomServer, RoomSocket } from "./room-server.ts";

export interface OrdersParts {
  readonly io: RoomServer;
  readonly revocations: Pick<Revocations, "note" | "require">;
  /** Whether the application has an `authorize`. */
  readonly asksApplication: boolean;
  readonly logger: Pick<Logger, "warn">;
}

/** How often rooms are looked at whose right rests on an answer of the application that has become too old. */
const sweepEveryMs = 30_000;

/** Carries out on this instance's connections what is sent to all instances. */
export class Orders {
  readonly #parts: OrdersParts;
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(parts: OrdersParts) {
    this.#parts = parts;
    if (parts.asksApplication) this.#timer = setInterval(() => this.#sweep(), sweepEveryMs).unref();
  }

  readonly carryOut = (order: Order): void => {
    const { io, revocations } = this.#parts;
    if ("revoked" in order) {
      const { revoked: user, upToSeconds } = order;
      revocations.note(user, upToSeconds);
      for (const socket of connectionsOf(io, user)) {
        const { identity } = socket.data.identity;
        // One with a newer token came after the revocation. Whom the application has let in, it has to be asked about again.
        if (!identity.isToken || isIssuedUpTo(identity, upToSeconds)) socket.disconnect(true);
      }
    } else {
      for (const socket of connectionsOf(io, order.recheck)) this.#recheck(socket, order.room);
    }
  };

  /** Orders may have been sent that this instance could not receive. */
  async catchUp(): Promise<void> {
    const { io, revocations, asksApplication, logger } = this.#parts;
    await Promise.all(
      [...io.of("/").sockets.values()].map(async (socket) => {
        try {
          await revocations.require(socket.data.identity.identity);
        } catch (error) {
          if (error instanceof RequestError && error.code === "TOKEN_EXPIRED") return void socket.disconnect(true);
          logger.warn({ err: error }, "it is not known whether a token was revoked");
        }
        if (asksApplication) this.#recheck(socket);
      }),
    );
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #recheck(socket: RoomSocket, room?: string): void {
    socket.data.identity.forget(room);
    void recheckRooms(socket, "leaves", room);
  }

  #sweep(): void {
    for (const socket of this.#parts.io.of("/").sockets.values()) void recheckRooms(socket, "stays");
  }
}
