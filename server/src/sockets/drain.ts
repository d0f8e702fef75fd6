import { momentNow } from "../clock/elapsed.ts";
import { whenElapsed } from "../clock/when-elapsed.ts";
import type { RoomServer } from "./socket-server.ts";

/** Share of the drain time over which the clients are told; the rest is left for the last of them to move. */
const tellingShare = 0.6;
const checkIntervalMs = 20;
/** How long after a drain that proved false no other one takes the instance out of service. */
const outOfServiceEveryMs = 10 * 60_000;

/**
 * Asks every client to move to another instance, spread over the drain time so that they do not arrive there in one
 * burst. While it is under way the instance is unhealthy and admits nobody.
 */
export class Drain {
  readonly #io: RoomServer;
  readonly #drainMs: number;
  #isFinal = false;
  #isOutOfService = false;
  #outOfServiceAtMs = Number.NEGATIVE_INFINITY;
  #pause: Promise<void> | undefined;
  #told = new WeakSet<object>();

  constructor(io: RoomServer, drainMs: number) {
    this.#io = io;
    this.#drainMs = drainMs;
  }

  get isUnderWay(): boolean {
    return this.#isFinal || this.#isOutOfService;
  }

  /** Drains for good. Resolves when all clients are gone or the drain time is over, whichever is first. */
  async finish(): Promise<void> {
    this.#isFinal = true;
    await this.#tellAndWait();
  }

  /**
   * Drains for the platform's pre-stop hook, and serves again when that is answered: a platform that destroys the
   * instance sends nobody any more, and one that froze it thaws it for somebody who is to be served.
   *
   * Every call moves every client, because nothing tells a call that is true from one before it that proved false. What
   * is limited is the damage of a caller who forged the platform's header all the same: within ten minutes of one call
   * no other one takes the instance out of service, so the clients move, and may come back at once.
   */
  pause(): Promise<void> {
    this.#pause ??= this.#moveEverybody().finally(() => {
      this.#pause = undefined;
    });
    return this.#pause;
  }

  /** Admits clients again, unless the drain is for good. */
  resume(): void {
    this.#isOutOfService = false;
  }

  async #moveEverybody(): Promise<void> {
    if (this.#io.engine.clientsCount === 0) return;
    const nowMs = performance.now();
    if (nowMs - this.#outOfServiceAtMs >= outOfServiceEveryMs) {
      this.#outOfServiceAtMs = nowMs;
      this.#isOutOfService = true;
    }
    await this.#tellAndWait();
    this.#told = new WeakSet();
    this.resume();
  }

  async #tellAndWait(): Promise<void> {
    const begun = momentNow();
    const deadlineMs = begun.wallMs + this.#drainMs;
    for (const socket of this.#io.of("/").sockets.values()) {
      // The end of a process that was told of by the hook finds clients that know.
      if (this.#told.has(socket)) continue;
      this.#told.add(socket);
      const cancel = whenElapsed(begun, Math.random() * this.#drainMs * tellingShare, () => {
        socket.emit("connection:expiring", { reason: "drain", deadlineMs });
      });
      socket.once("disconnect", cancel);
    }
    while (this.#io.engine.clientsCount > 0 && performance.now() - begun.monotonicMs < this.#drainMs) {
      await new Promise((resolve) => setTimeout(resolve, checkIntervalMs));
    }
  }
}
