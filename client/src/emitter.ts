/** `never` accepts every handler; the public `on` of client and room says what each event carries. */
type Handler = (...args: never) => void;

export interface Emitter {
  /** Returns a function that takes the handler away again. */
  on(event: string, handler: Handler): () => void;
  emit(event: string, ...args: unknown[]): void;
}

/**
 * Runs a handler. Its error must neither stop what follows nor pass unnoticed: browsers report it like any uncaught
 * error, and Node.js, where that would end the process, prints it.
 */
export function runHandler(handler: () => void) {
  try {
    handler();
  } catch (error) {
    (globalThis.reportError ?? console.error)(error);
  }
}

export function createEmitter(): Emitter {
  const handlers = new Map<string, Set<Handler>>();
  let isWarned = false;
  return {
    on(event, handler) {
      const registered = handlers.get(event) ?? new Set();
      handlers.set(event, registered.add(handler));
      return () => {
        registered.delete(handler);
      };
    },
    emit(event, ...args) {
      // Once: what nobody listens for must not be lost in silence.
      if (event === "error" && !handlers.get(event)?.size && !isWarned) {
        isWarned = true;
        console.warn("Holdfast: no handler for `error`:", ...args);
      }
      // A copy, because a handler may add or take away handlers.
      for (const handler of [...(handlers.get(event) ?? [])]) {
        runHandler(() => handler(...(args as never)));
      }
    },
  };
}
