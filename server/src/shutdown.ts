/** How much longer than its own plan a shutdown may take before the process gives up on a clean end. */
const graceMs = 5_000;

export interface ShutdownOptions {
  readonly close: () => Promise<void>;
  /** How long `close` plans to take at most. */
  readonly plannedMs: number;
  readonly onFailure: (reason: unknown) => void;
  /** Called for a second SIGINT: the person at the terminal does not want to wait. */
  readonly onImpatience: () => void;
  /**
   * SIGINTs within this time are one press of Ctrl-C. npm hands the terminal's SIGINT on to a process that the terminal
   * has sent it to as well.
   */
  readonly onePressMs: number;
}

/**
 * Makes the handler for the signals that end a process. The first SIGTERM or SIGINT closes, and the process then ends by
 * itself; a further SIGTERM changes nothing, because supervisors repeat it; a second SIGINT ends at once.
 */
export function createShutdown(options: ShutdownOptions): (signal: NodeJS.Signals) => void {
  const { close, plannedMs, onFailure, onImpatience, onePressMs } = options;
  let begun = false;
  let interruptedAtMs: number | undefined;
  return (signal) => {
    if (signal === "SIGINT") {
      const nowMs = performance.now();
      if (interruptedAtMs !== undefined && nowMs - interruptedAtMs >= onePressMs) return onImpatience();
      interruptedAtMs ??= nowMs;
    }
    if (begun) return;
    begun = true;
    const timer = setTimeout(() => onFailure(new Error("the shutdown took too long")), plannedMs + graceMs);
    timer.unref();
    close().catch(onFailure);
  };
}
