import { limits } from "@holdfast/client/protocol";

/** Bytes of answers after which the reader is asked whether it has read them. */
const probeBytes = 16 * 1024;
/** The assumed speed of a reader that has not been measured yet. */
const unknownBytesPerSecond = 256 * 1024;
/** Bytes of answers that may be unread when a read starts: what is read in a quarter of a second, between these. */
const unreadSeconds = 0.25;
const fewestUnreadBytes = 16 * 1024;
const unreadBytesLimit = 1024 * 1024;
/** Reads that a connection may have under way whose reader takes in both pages within a second. Others have one. */
const readsPerConnection = 2;
/** Bytes of a page for a slow reader, at least. */
const smallestPageBytes = 32 * 1024;
/** A reader that takes longer than this to read what it was sent is slow. */
const slowAfterMs = 2_000;
/** A reader that takes at most this long may be sent more. */
const quickWithinMs = 1_000;

export interface ReaderPaceOptions {
  /** Sends a ping, which the reader answers once it has read everything before it. */
  readonly ping: () => void;
  readonly nowMs?: () => number;
}

/**
 * How fast the reader of one connection takes in the pages that it asks for. What the operating systems and the proxies
 * on the way hold cannot be seen from here and may be many pages, each of which would come after its reader has given it
 * up. The answer to a ping that was sent behind a page shows that the page has been read, and how long that took.
 */
export class ReaderPace {
  readonly #ping: () => void;
  readonly #nowMs: () => number;
  #unreadBytes = 0;
  /** The ping that is not answered yet. */
  #probe: { readonly bytes: number; readonly sentAtMs: number } | undefined;
  #bytesPerSecond = unknownBytesPerSecond;
  #isSlow = false;

  constructor({ ping, nowMs = () => performance.now() }: ReaderPaceOptions) {
    this.#ping = ping;
    this.#nowMs = nowMs;
  }

  /** Bytes of messages that a page should hold at most. Powers of two, so that readers can share their pages. */
  get pageBytes(): number {
    if (!this.#isSlow) return limits.pageBytes;
    return clamp(2 ** Math.floor(Math.log2(this.#bytesPerSecond)), smallestPageBytes, limits.pageBytes);
  }

  /** Whether the reader may have another page while so many reads for it are under way. */
  allows(readsUnderWay: number): boolean {
    const reads = this.#bytesPerSecond >= readsPerConnection * limits.pageBytes ? readsPerConnection : 1;
    const unreadLimit = clamp(this.#bytesPerSecond * unreadSeconds, fewestUnreadBytes, unreadBytesLimit);
    return readsUnderWay < reads && this.#unreadBytes <= unreadLimit;
  }

  /** An answer with a page was written. */
  note(bytes: number): void {
    this.#unreadBytes += bytes;
    this.#startProbe();
  }

  /** The reader has answered a ping: false where none was sent. */
  pong(): boolean {
    if (this.#probe === undefined) return false;
    const { bytes, sentAtMs } = this.#probe;
    this.#probe = undefined;
    this.#unreadBytes -= bytes;
    this.#judge(bytes, Math.max(1, this.#nowMs() - sentAtMs));
    this.#startProbe();
    return true;
  }

  #startProbe(): void {
    if (this.#probe !== undefined || this.#unreadBytes < probeBytes) return;
    this.#probe = { bytes: this.#unreadBytes, sentAtMs: this.#nowMs() };
    this.#ping();
  }

  /**
   * A quick answer never lowers the rate, because most of its time may have been the way there and back. It raises it
   * step by step: a few bytes are quick on a slow line, too, which therefore has to take in a page first.
   */
  #judge(bytes: number, elapsedMs: number): void {
    const rate = (bytes * 1000) / elapsedMs;
    if (elapsedMs > slowAfterMs) {
      this.#bytesPerSecond = rate;
      this.#isSlow = true;
    } else if (elapsedMs <= quickWithinMs && !(this.#isSlow && bytes < this.pageBytes / 2)) {
      this.#bytesPerSecond = Math.max(this.#bytesPerSecond, Math.min(rate, 2 * this.#bytesPerSecond));
      if (this.#bytesPerSecond >= limits.pageBytes) this.#isSlow = false;
    }
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
