import { type Moment, momentNow } from "../clock/elapsed.ts";
import { whenElapsed } from "../clock/when-elapsed.ts";
import type { Rollout } from "../rollout/rollout.ts";
import { noteExpiring } from "./moves.ts";
import type { RoomServer, RoomSocket } from "./room-server.ts";

/** Share of the drain time over which the clients are notified; the rest is left for the last of them to move. */
const tellingShare = 0.6;
/** Share of the drain time after which the last client takes any place that it can get. */
const waitingShare = 0.92;
const checkIntervalMs = 20;
/** Clients are notified without the others' knowledge where Redis does not take it within this time. */
const notedWithinMs = 250;

/** Asks every client to move to another instance, spread over the drain time so that they do not arrive there in one burst. */
export class Drain {
  readonly #io: RoomServer;
  readonly #drainMs: number;
  readonly #rollout: Pick<Rollout, "begin" | "end">;
  #underWay = 0;
  #told = new WeakSet<object>();

  constructor(io: RoomServer, drainMs: number, rollout: Pick<Rollout, "begin" | "end">) {
    this.#io = io;
    this.#drainMs = drainMs;
    this.#rollout = rollout;
  }

  get hasClients(): boolean {
    return this.#io.engine.clientsCount > 0;
  }

  /**
   * Resolves when all clients are gone or the drain time is over, whichever is first. Where another drain is under way,
   * as that of the pre-stop hook when the process ends, nobody is notified twice.
   *
   * @param drainMs - default: that of the settings
   */
  async run(drainMs = this.#drainMs): Promise<void> {
    const begun = momentNow();
    this.#underWay += 1;
    const sockets = [...this.#io.of("/").sockets.values()].filter((socket) => !this.#told.has(socket));
    for (const socket of sockets) this.#told.add(socket);
    await this.#note(sockets, drainMs);
    this.#tell(sockets, begun, drainMs);
    while (this.hasClients && performance.now() - begun.monotonicMs < drainMs) {
      await new Promise((resolve) => setTimeout(resolve, checkIntervalMs));
    }
    this.#underWay -= 1;
    if (this.#underWay === 0) this.#told = new WeakSet();
  }

  /** Before they are notified: the first of them arrive elsewhere within milliseconds. */
  async #note(sockets: readonly RoomSocket[], drainMs: number): Promise<void> {
    const sessions: string[] = [];
    for (const socket of sockets) {
      const { session } = socket.data.standing;
      if (session === null) continue;
      sessions.push(session);
      // Whoever has left, or was cut, has no old connection on which to wait for a better place.
      socket.once("disconnect", () => void this.#rollout.end(session));
    }
    const noted = this.#rollout.begin(sessions, drainMs * waitingShare).catch(() => undefined);
    await Promise.race([noted, new Promise((resolve) => setTimeout(resolve, notedWithinMs))]);
  }

  #tell(sockets: readonly RoomSocket[], begun: Moment, drainMs: number): void {
    const deadlineMs = begun.wallMs + drainMs;
    const eachMs = (drainMs * tellingShare) / sockets.length;
    for (const [index, socket] of sockets.entries()) {
      const cancel = whenElapsed(begun, (index + Math.random()) * eachMs, () => {
        socket.emit("connection:expiring", { reason: "drain", deadlineMs });
        noteExpiring(socket, "drain");
      });
      socket.once("disconnect", cancel);
    }
  }
}
