import { momentNow } from "../clock/elapsed.ts";
import { whenElapsed } from "../clock/when-elapsed.ts";
import { noteExpiring } from "./moves.ts";
import type { RoomServer } from "./room-server.ts";

/** Share of the drain time over which the clients are notified; the rest is left for the last of them to move. */
const tellingShare = 0.6;
const checkIntervalMs = 20;

/** Asks every client to move to another instance, spread over the drain time so that they do not arrive there in one burst. */
export class Drain {
  readonly #io: RoomServer;
  readonly #drainMs: number;
  #underWay = 0;
  #told = new WeakSet<object>();

  constructor(io: RoomServer, drainMs: number) {
    this.#io = io;
    this.#drainMs = drainMs;
  }

  get hasClients(): boolean {
    return this.#io.engine.clientsCount > 0;
  }

  /**
   * Resolves when all clients are gone or the drain time is over, whichever is first. Where another drain is under way,
   * as that of the pre-stop hook when the process ends, nobody is notified twice.
   */
  async run(): Promise<void> {
    const begun = momentNow();
    this.#underWay += 1;
    this.#tell(begun);
    while (this.hasClients && performance.now() - begun.monotonicMs < this.#drainMs) {
      await new Promise((resolve) => setTimeout(resolve, checkIntervalMs));
    }
    this.#underWay -= 1;
    if (this.#underWay === 0) this.#told = new WeakSet();
  }

  #tell(begun: ReturnType<typeof momentNow>): void {
    const deadlineMs = begun.wallMs + this.#drainMs;
    for (const socket of this.#io.of("/").sockets.values()) {
      if (this.#told.has(socket)) continue;
      this.#told.add(socket);
      const cancel = whenElapsed(begun, Math.random() * this.#drainMs * tellingShare, () => {
        socket.emit("connection:expiring", { reason: "drain", deadlineMs });
        noteExpiring(socket, "drain");
      });
      socket.once("disconnect", cancel);
    }
  }
}
