import { atMoment } from "./expiry.ts";
import type { RoomServer } from "./socket-server.ts";

/** Share of the drain time over which the clients are told; the rest is left for the last of them to move. */
const tellingShare = 0.6;
const checkIntervalMs = 20;
/** How long after a drain that proved false no other one is begun for a caller who may be anybody. */
const pauseEveryMs = 10 * 60_000;

/**
 * Asks every client to move to another instance, spread over the drain time so that they do not arrive there in one
 * burst. While it is under way the instance is unhealthy and admits nobody.
 */
export class Drain {
  readonly #io: RoomServer;
  readonly #drainMs: number;
  #run: Promise<void> | undefined;
  #isFinal = false;
  #pausedAtMs = Number.NEGATIVE_INFINITY;

  constructor(io: RoomServer, drainMs: number) {
    this.#io = io;
    this.#drainMs = drainMs;
  }

  get isUnderWay(): boolean {
    return this.#run !== undefined;
  }

  /** Drains for good. Resolves when all clients are gone or the drain time is over, whichever is first. */
  async finish(): Promise<void> {
    this.#isFinal = true;
    await this.#start();
  }

  /**
   * Drains for a caller who may be anybody: an instance that is still there one drain time later serves again, and
   * is not drained this way again for a while, so that forged hooks cost its clients a move now and then.
   */
  async pause(): Promise<void> {
    if (performance.now() - this.#pausedAtMs < pauseEveryMs) return;
    this.#pausedAtMs = performance.now();
    await this.#start();
    setTimeout(() => this.resume(), this.#drainMs).unref();
  }

  /** Serves again, unless the drain is for good: the platform may thaw an instance that it had told to stop. */
  resume(): void {
    if (!this.#isFinal) this.#run = undefined;
  }

  #start(): Promise<void> {
    this.#run ??= this.#tellAndWait();
    return this.#run;
  }

  async #tellAndWait(): Promise<void> {
    const deadlineMs = Date.now() + this.#drainMs;
    for (const socket of this.#io.of("/").sockets.values()) {
      const cancel = atMoment(Date.now() + Math.random() * this.#drainMs * tellingShare, () => {
        socket.emit("connection:expiring", { reason: "drain", deadlineMs });
      });
      socket.once("disconnect", cancel);
    }
    while (this.#io.engine.clientsCount > 0 && Date.now() < deadlineMs) {
      await new Promise((resolve) => setTimeout(resolve, checkIntervalMs));
    }
  }
}
