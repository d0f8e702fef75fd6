import type { Connection } from "./connection.ts";

/** What is in flight on the old connection gets this long to settle; it is sent again on the new one after that. */
const SETTLE_MS = 5000;

export type Handover = ReturnType<typeof createHandover>;

/**
 * Which connection a client uses, and the move to another one before the first is cut (make before break).
 * `open` opens a connection; `isReady` tells whether every room is joined through it; `switched` is called when
 * another connection has become the current one.
 *
 * The deadline that the server announces is in the server's clock and is not compared with the client's: the move
 * starts at once and ends when every room is joined, or when the old connection is cut.
 */
export function createHandover(
  open: () => Connection,
  isReady: (connection: Connection) => boolean,
  switched: () => void,
) {
  const connections = new Set<Connection>();
  let current = add();
  let next: Connection | undefined;
  let isNextExpiring = false;

  function add() {
    const connection = open();
    connections.add(connection);
    return connection;
  }

  function move() {
    if (!next) return;
    const old = current;
    current = next;
    next = isNextExpiring ? add() : undefined;
    isNextExpiring = false;
    void retire(old);
    switched();
  }

  async function retire(connection: Connection) {
    await connection.close(SETTLE_MS);
    connections.delete(connection);
  }

  return {
    /** All that are not closed yet: the current one, the one being moved to, and old ones that are settling. */
    connections,
    current: () => current,
    isMoving: () => next !== undefined,

    /** A connection will be cut. An old one will, of course. */
    expiring(connection: Connection) {
      if (connection === next) isNextExpiring = true;
      else if (connection === current) next ??= add();
    },

    /** A connection was cut. The attempt under way, however far it is, takes the current one's place. */
    cut(connection: Connection) {
      if (connection === current) move();
    },

    /** Rooms were joined or left. */
    check() {
      if (next && isReady(next)) move();
    },
  };
}
