import { type Client, connect, type HoldfastError, type Room } from "@holdfast/client";
import type { OpenConnection } from "./connections.ts";
import { untilNothingIsMissing } from "./until.ts";

interface TestClient<C> {
  readonly client: Client<C>;
  /** What it has joined, by the room's name; some of it may be left by now. */
  readonly rooms: Map<string, Set<Told>>;
  /** Lets it try to connect now instead of after its delay. */
  hurry(): void;
}

/** The part of a room that the test server needs to know, whatever its contract. */
interface Told {
  readonly position: string | undefined;
  on(event: "gap", handler: () => void): () => void;
}

/** A token that ends so much later than now is another one: the test server's own last an hour. */
const renewedMs = 60_000;

/** The position of a room in which nothing was ever published: there is nothing in it to lose. */
const nothingYet = "0-0";

/** The clients that a test has connected to its server. */
export class TestClients<C> {
  readonly #url: string;
  readonly #connections: () => readonly OpenConnection[];
  readonly #clients = new Map<string, TestClient<C>>();

  constructor(url: string, connections: () => readonly OpenConnection[]) {
    this.#url = url;
    this.#connections = connections;
  }

  /** Resolves when it is connected. Throws the HoldfastError with which the server refuses it for good. */
  async connect(token: (() => Promise<string>) | undefined): Promise<Client<C>> {
    const hint = new EventTarget();
    const client = connect<C>(this.#url, { onlineHint: hint, ...(token === undefined ? {} : { token }) });
    const rooms: TestClient<C>["rooms"] = new Map();
    this.#clients.set(client.session, { client, rooms, hurry: () => hint.dispatchEvent(new Event("online")) });
    await connected(client);
    return noticingJoins(client, (room) => {
      const known = rooms.get(room.name) ?? new Set();
      // A room that a contract types has a `gap` as any other has, which a type that is open cannot say.
      rooms.set(room.name, known.add(room as unknown as Told));
    });
  }

  /**
   * Interrupts connections, and resolves when their clients are connected and in their rooms through other ones; or, where
   * that will do, through the same ones with a token that ends later.
   */
  async replace(
    connections: readonly OpenConnection[],
    interrupt: () => void,
    renewal: "or renewed" | "replaced alone" = "replaced alone",
  ): Promise<void> {
    const before = new Set(connections.map(({ id }) => id));
    const begunMs = Date.now();
    const isDone = ({ id, expiresAtMs = Number.POSITIVE_INFINITY }: OpenConnection) =>
      !before.has(id) || (renewal === "or renewed" && expiresAtMs > begunMs + renewedMs);
    const waiting = connections.flatMap(({ session, rooms }) => {
      const known = this.#clients.get(session ?? "");
      return known === undefined ? [] : { ...known, session, rooms, isHurried: false };
    });
    interrupt();
    await untilNothingIsMissing(() => {
      const now = this.#connections();
      return waiting
        .filter((each) => {
          const { client, hurry, rooms, session } = each;
          if (client.status === "closed") return false;
          if (client.status === "reconnecting" && !each.isHurried) {
            each.isHurried = true;
            hurry();
          }
          const own = now.filter((connection) => connection.session === session);
          const isBack = own.some(({ rooms: joined }) => rooms.every((room) => joined.includes(room)));
          return client.status !== "connected" || !own.every(isDone) || !isBack;
        })
        .map(({ session }) => `the client with the session ${session} to be back`);
    });
  }

  /** Loses something, and resolves when every room that had any messages has got a gap. */
  async lose(lose: () => Promise<void>): Promise<void> {
    const told = new Set<object>();
    const watched = [...this.#clients].flatMap(([session, { client, rooms }]) =>
      [...rooms].map(([name, joins]) => ({ session, client, name, joins: [...joins] })),
    );
    const losing = watched.filter(({ joins }) => joins.some(({ position = nothingYet }) => position !== nothingYet));
    const stops = losing.flatMap((room) => room.joins.map((join) => join.on("gap", () => told.add(room))));
    try {
      await lose();
      await untilNothingIsMissing(() => {
        const now = this.#connections();
        const isMember = (session: string, name: string) =>
          now.some((connection) => connection.session === session && connection.rooms.includes(name));
        return losing
          .filter((room) => !told.has(room) && room.client.status !== "closed" && isMember(room.session, room.name))
          .map(({ name, session }) => `a gap in ${name} for the client with the session ${session}`);
      });
    } finally {
      for (const stop of stops) stop();
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients.values()].map(({ client }) => client.close()));
  }
}

async function connected<C>(client: Client<C>): Promise<void> {
  const stops: (() => void)[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      stops.push(client.on("status", (status) => status === "connected" && resolve()));
      stops.push(client.on("error", (error: HoldfastError) => error.retryable === false && reject(error)));
    });
  } finally {
    for (const stop of stops) stop();
  }
}

/** The same client, whose joins are told to `noticed`. */
function noticingJoins<C>(client: Client<C>, noticed: (room: Pick<Room<unknown>, "name">) => void): Client<C> {
  const join: Client<C>["join"] = (name, options) => {
    const room = client.join(name, options);
    noticed(room);
    return room;
  };
  return new Proxy(client, { get: (target, key) => (key === "join" ? join : Reflect.get(target, key)) });
}
