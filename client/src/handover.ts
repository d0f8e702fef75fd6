import type { Connection } from "./connection.ts";

/** What is in flight on the old connection gets this long to settle; it is sent again on the new one after that. */
const SETTLE_MS = 5000;

/**
 * - `steady`: there is one connection.
 * - `moving`: a next one is being opened, and takes over once every room is joined through it.
 * - `overtaken`: moving, and the next one will be cut as well.
 */
export type Phase = "steady" | "moving" | "overtaken";

/** What happens to a connection. `ready`: every room is joined through it. */
export type HandoverEvent = "expiring" | "cut" | "ready";

/** `open`: open a next connection. `switch`: the next one becomes the current one, and the old one is closed. */
export type HandoverAction = "open" | "switch";

/**
 * The decision of a handover: make before break. The deadline that the server announces is in the server's clock and
 * is not compared with the client's: the move starts at once and ends when every room is joined, or when the old
 * connection is cut, whereupon the attempt under way takes its place, however far it is.
 */
export function decide(
  phase: Phase,
  event: HandoverEvent,
  subject: "current" | "next",
): readonly [Phase, ...HandoverAction[]] {
  const isOfNext = subject === "next";
  if (event === "expiring") {
    if (isOfNext) return ["overtaken"];
    return phase === "steady" ? ["moving", "open"] : [phase];
  }
  if (phase === "steady" || isOfNext !== (event === "ready")) return [phase];
  return phase === "moving" ? ["steady", "switch"] : ["moving", "switch", "open"];
}

export type Handover = ReturnType<typeof createHandover>;

/**
 * Which connection a client uses, and the move to another one before the first is cut. `open` opens a connection;
 * `switched` is called when another one has become the current one.
 */
export function createHandover(open: () => Connection, switched: () => void) {
  const connections = new Set<Connection>();
  let phase: Phase = "steady";
  let current = add();
  let next: Connection | undefined;

  function add() {
    const connection = open();
    connections.add(connection);
    return connection;
  }

  async function retire(connection: Connection) {
    await connection.close(SETTLE_MS);
    connections.delete(connection);
  }

  return {
    /** All that are not closed yet: the current one, the one being moved to, and old ones that are settling. */
    connections,
    current: () => current,
    next: () => next,

    /** What happens to a connection that is being left has no effect. */
    on(event: HandoverEvent, connection: Connection) {
      if (connection !== current && connection !== next) return;
      const [now, ...actions] = decide(phase, event, connection === next ? "next" : "current");
      phase = now;
      for (const action of actions) {
        if (action === "open") next = add();
        else if (next) {
          void retire(current);
          current = next;
          next = undefined;
          switched();
        }
      }
    },
  };
}
