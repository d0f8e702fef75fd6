import { type Random, seededRandom } from "../../support/random.ts";
import { startRelay, type TcpRelay } from "../../support/tcp-relay.ts";
import type { SilenceEnd } from "./fault.ts";

/** A relay that several faults at a time can make silent: it speaks again when the last of them is over. */
export class Line implements AsyncDisposable {
  readonly #relay: TcpRelay;
  #silences = 0;

  constructor(relay: TcpRelay) {
    this.#relay = relay;
  }

  static async open(targetPort: number, seed: number): Promise<Line> {
    const random: Random = seededRandom(seed);
    return new Line(await startRelay(targetPort, { random }));
  }

  get port(): number {
    return this.#relay.port;
  }

  /** Where new connections go. */
  set targetPort(port: number) {
    this.#relay.targetPort = port;
  }

  /** Resets every connection, and tells how many there were. */
  cut(): number {
    return this.#relay.cutAll({ reset: true });
  }

  silence(): void {
    this.#silences += 1;
    this.#relay.blackhole();
  }

  endSilence(end: SilenceEnd): void {
    if (end === "reset") this.cut();
    this.#silences -= 1;
    if (this.#silences === 0) this.#relay.heal();
  }

  slow({ delayMs, splitBytes }: { readonly delayMs: number; readonly splitBytes: number }): void {
    this.#relay.delayMs = delayMs;
    this.#relay.splitBytes = splitBytes;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#relay[Symbol.asyncDispose]();
  }
}
