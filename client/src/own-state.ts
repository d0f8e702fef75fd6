import { backoffMs } from "./backoff.ts";
import type { Connection, Reply } from "./connection.ts";
import type { ErrorDetail } from "./errors.ts";
import type { Handover } from "./handover.ts";

/** A state that was asked for: null makes no member of the session, and true, by joining, one without a state. */
export interface Wish {
  readonly state: unknown;
  /** The handle that asks for it. */
  readonly by?: object;
  /** Asked for by joining: the join of that handle carries it, and no update does. */
  readonly isOfJoin?: boolean;
  /** This or a newer one is stored, or the server has refused it. */
  settle(error?: ErrorDetail): void;
}

export type OwnState = ReturnType<typeof createOwnState>;

const NO_MEMBER: Wish = { state: null, settle: () => undefined };

/**
 * The own state in a room, which its handles share. Each connection is told the newest one, by a join or by an update;
 * `connection.rooms` names what it was told last. A request with another state waits until those under way are answered,
 * so that the server gets the states in their order.
 */
export function createOwnState(room: string, { connections }: Handover) {
  let accepted = NO_MEMBER;
  /** What was asked for since, oldest first. */
  let wishes: Wish[] = [];
  /** Those that show the members. */
  const handles = new Set<object>();
  const updates = new Map<Connection, Promise<unknown>>();
  const underWay = new WeakMap<Connection, { readonly wish: Wish; readonly settled: Promise<unknown> }>();

  const newest = () => wishes.at(-1) ?? accepted;

  function stored(wish: Wish) {
    const index = wishes.indexOf(wish);
    if (index < 0) return;
    accepted = wish;
    for (const one of wishes.splice(0, index + 1)) one.settle();
  }

  function drop(wish: Wish, error: ErrorDetail) {
    if (wishes.includes(wish)) wishes = wishes.filter((one) => one !== wish);
    else accepted = NO_MEMBER;
    wish.settle(error);
  }

  /** Asks with the state that `choose` gives once its turn has come. */
  async function carry<Data>(
    connection: Connection,
    choose: () => Wish | undefined,
    ask: (state: unknown) => Promise<Reply<Data>>,
  ): Promise<[Wish, Reply<Data>] | undefined> {
    let wish = choose();
    let before = underWay.get(connection);
    for (; wish && before && before.wish !== wish; before = underWay.get(connection)) {
      await before.settled;
      wish = choose();
    }
    if (!wish) return;
    const reply = ask(wish.state);
    const own = { wish, settled: Promise.all([before?.settled, reply]) };
    underWay.set(connection, own);
    await reply;
    if (underWay.get(connection) === own) underWay.delete(connection);
    return [wish, await reply];
  }

  /** What an update of a connection has to say; undefined where it knows, or a join will say it. */
  function due(connection: Connection) {
    const told = connection.rooms.get(room);
    const wish = newest();
    const isForJoin = wish.isOfJoin && (wish !== accepted || wish.state === true);
    return told && told !== wish && !isForJoin ? wish : undefined;
  }

  /** Until it was told the newest state, it is cut, or the room is left or has to be joined again. */
  async function update(connection: Connection) {
    // At once, so that what is asked for from now on is told by another one.
    const isOver = (): undefined => {
      updates.delete(connection);
    };
    const choose = () => due(connection) ?? isOver();
    for (let attempt = 0; ; ) {
      const carried = await carry(connection, choose, (state) =>
        connection.request("presence:update", { room, state }),
      );
      if (!carried) return;
      const [wish, reply] = carried;
      if (reply.ok) {
        if (connection.rooms.get(room)) connection.rooms.set(room, wish);
        stored(wish);
      } else if (reply.error.retryable) await connection.wait(reply.error.retryAfterMs ?? backoffMs(attempt++));
      else if (reply.error.code === "NOT_JOINED") return isOver();
      else {
        drop(wish, reply.error);
        if (wish.state === null) return isOver();
      }
    }
  }

  function tell(connection: Connection) {
    const telling = updates.get(connection) ?? (due(connection) && update(connection));
    if (telling) updates.set(connection, telling);
    return telling;
  }

  const tellAll = () => Promise.all([...connections].map(tell));

  return {
    stored,
    tell,

    /**
     * The join of a handle; undefined where that is over. Where its state is refused, the one before it counts again, and
     * the room is joined with that.
     */
    async join<Data>(connection: Connection, handle: object, ask: (state: unknown) => Promise<Reply<Data>>) {
      const choose = () => {
        if (!handles.has(handle)) return;
        // What another handle asks for may be refused, and is that one's risk.
        return wishes.filter(({ by }) => by === handle).at(-1) ?? accepted;
      };
      for (
        let carried = await carry(connection, choose, ask);
        carried;
        carried = await carry(connection, choose, ask)
      ) {
        const [wish, reply] = carried;
        if (reply.ok || reply.error.retryable || wish.state === null) return { wish, reply };
        // Without a state a join is refused only where the room may not be read.
        if (reply.error.code === "FORBIDDEN" ? wish.state === true : !wishes.includes(wish)) return { wish, reply };
        drop(wish, reply.error);
      }
      return;
    },

    /**
     * Asks for a state. One handle that joins without any takes none away: it is content with the one that is stored, and
     * stands behind one that is not, which may be refused.
     */
    ask(wish: Wish) {
      if (wish.state !== true || newest().state === null) wishes.push(wish);
      else if (accepted.state === null) wishes.unshift(wish);
      else wish.settle();
      void tellAll();
    },

    /** A handle shows the members. */
    enter: (handle: object) => handles.add(handle),

    /** It does no more, and what it has asked for and is not stored does not count. The last one ends the membership. */
    exit(handle: object, error: ErrorDetail) {
      handles.delete(handle);
      const gone = wishes.filter(({ by }) => by === handle);
      wishes = wishes.filter(({ by }) => by !== handle);
      for (const wish of gone) wish.settle(error);
      if (!handles.size) accepted = NO_MEMBER;
      return tellAll();
    },
  };
}
