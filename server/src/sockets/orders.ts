import type { Logger } from "pino";
import { isRevokedBy, type Revocations } from "../auth/revocations.ts";
import type { ConnectionOrder } from "../broadcast/control-channel.ts";
import { RequestError } from "../errors.ts";
import { PacedWork } from "./paced-work.ts";
import { connectionsOf, expel, joinedRooms, recheckRooms } from "./recheck-rooms.ts";
import type { RoomServer, RoomSocket } from "./room-server.ts";

export interface OrdersParts {
  readonly io: RoomServer;
  readonly revocations: Pick<Revocations, "note" | "check">;
  /** Whether the application has an `authorize`. */
  readonly asksApplication: boolean;
  /** How often rooms are looked at whose right rests on an answer of the application that has become too old. */
  readonly sweepEveryMs?: number;
  readonly logger: Pick<Logger, "warn">;
}

const usualSweepEveryMs = 30_000;
/** Connections whose revocation is looked up at a time, and joined rooms that the application is asked about at a time. */
const checksAtATime = 64;
const questionsAtATime = 32;

/**
 * Carries out on this instance's connections what is sent to all instances, and what may have been told while this one
 * could not hear. Nobody's right is known to have ended then, so that all stay until there is an answer, however long that
 * takes: an application or a Redis that is slow after an outage must not empty the rooms.
 */
export class Orders {
  readonly #parts: OrdersParts;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #checks: PacedWork<RoomSocket>;
  readonly #questions: PacedWork<RoomSocket>;
  /** The joined rooms of a connection that the application is still to be asked about. */
  readonly #rooms = new WeakMap<RoomSocket, Set<string>>();

  constructor(parts: OrdersParts) {
    this.#parts = parts;
    const { asksApplication, sweepEveryMs = usualSweepEveryMs, logger } = parts;
    this.#checks = new PacedWork({
      atATime: checksAtATime,
      step: (socket) => this.#checkRevocation(socket),
      onFailing: (err) =>
        logger.warn({ err }, "it is not known whether a user was disconnected; it is looked up again"),
    });
    this.#questions = new PacedWork({
      atATime: questionsAtATime,
      step: (socket) => this.#askAboutRoom(socket),
      onFailing: (err) => logger.warn({ err }, "authorize gave no answer about members; it is asked again"),
    });
    if (asksApplication) this.#timer = setInterval(() => this.#sweep(), sweepEveryMs).unref();
  }

  readonly carryOut = (order: ConnectionOrder): void => {
    const { io, revocations } = this.#parts;
    if ("revoked" in order) {
      const { revoked: user, upToSeconds } = order;
      revocations.note(user, upToSeconds);
      for (const socket of connectionsOf(io, user)) {
        const { standing } = socket.data;
        // One with a newer token came after the revocation. Whom the application has let in, it has to be asked about again.
        if (!standing.identity.isToken || isRevokedBy(standing, upToSeconds)) socket.disconnect(true);
      }
    } else {
      for (const socket of connectionsOf(io, order.recheck)) {
        socket.data.standing.forget(order.room);
        void recheckRooms(socket, order.room);
      }
    }
  };

  /** Orders may have been sent that this instance could not receive. */
  catchUp(): void {
    const { io, asksApplication } = this.#parts;
    for (const socket of io.of("/").sockets.values()) {
      this.#checks.add(socket);
      if (asksApplication) socket.data.standing.forget();
    }
    if (asksApplication) this.#sweep();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#checks.stop();
    this.#questions.stop();
  }

  #sweep(): void {
    for (const socket of this.#parts.io.of("/").sockets.values()) {
      this.#rooms.set(socket, new Set(joinedRooms(socket)));
      this.#questions.add(socket);
    }
  }

  async #checkRevocation(socket: RoomSocket): Promise<"done"> {
    if (!socket.connected) return "done";
    try {
      await this.#parts.revocations.check(socket.data.standing);
    } catch (error) {
      if (!(error instanceof RequestError && error.code === "TOKEN_EXPIRED")) throw error;
      socket.disconnect(true);
    }
    return "done";
  }

  /** Only of members it matters whether they may write. */
  #mayNotWrite({ data }: RoomSocket, room: string): boolean | Promise<boolean> {
    if (!data.membership.isMember(room)) return false;
    const asked = data.standing.may(room, "write");
    return typeof asked === "boolean" ? !asked : asked.then((allowed) => !allowed);
  }

  /** Asks about one room. What needs no question is decided at once. */
  async #askAboutRoom(socket: RoomSocket): Promise<"done" | "more"> {
    const rooms = this.#rooms.get(socket);
    for (const room of rooms ?? []) {
      if (!socket.connected) return "done";
      // Behind the others, in case that it has to be asked about again.
      rooms?.delete(room);
      rooms?.add(room);
      const asked = socket.data.standing.may(room, "read");
      const allowed = typeof asked === "boolean" ? asked : await asked;
      rooms?.delete(room);
      if (!allowed) expel(socket, room, "FORBIDDEN");
      else if (await this.#mayNotWrite(socket, room)) socket.data.membership.end(room);
      if (typeof asked !== "boolean") break;
    }
    return rooms === undefined || rooms.size === 0 ? "done" : "more";
  }
}
