/** How much longer than its own plan a shutdown may take before the process gives up on a clean end. */
const graceMs = 5_000;

export interface ShutdownOptions {
  readonly close: () => Promise<void>;
  /** How long `close` plans to take at most. */
  readonly plannedMs: number;
  readonly onFailure: (reason: unknown) => void;
}

/**
 * Makes the handler for the signals that end a process: the first one closes, and the process then ends by itself;
 * a second one, or a close that hangs, fails.
 */
export function createShutdown({ close, plannedMs, onFailure }: ShutdownOptions): () => void {
  let begun = false;
  return () => {
    if (begun) return onFailure(new Error("a second signal arrived during the shutdown"));
    begun = true;
    const timer = setTimeout(() => onFailure(new Error("the shutdown took too long")), plannedMs + graceMs);
    timer.unref();
    close().catch(onFailure);
  };
}
