import { setTimeout as delay } from "node:timers/promises";
import type { AnyContract, MembersChange } from "@holdfast/client";
import { createMembers } from "../../../client/src/members.ts";
import { askData, connectStock, type StockSocket } from "../../support/stock-client.ts";
import { sessionId } from "../../support/unique.ts";

/** A join or a leave that a client was shown. */
export interface Shown {
  readonly by: string;
  readonly room: string;
  readonly kind: "joined" | "left";
  readonly session: string;
  readonly atMs: number;
}

const requestTimeoutMs = 2_000;
const retryMs = 100;

/** A client that wants to be a member of some rooms: where its connection breaks, it comes back at once. */
export class ChaosMember {
  readonly session = sessionId();
  readonly #rooms: ReadonlyMap<string, ReturnType<typeof createMembers>>;
  readonly #pickUrl: () => string;
  readonly #shown: Shown[];
  #socket: StockSocket | undefined;
  #joined: StockSocket | undefined;
  #isWanted = true;
  #updates = 0;

  constructor(rooms: readonly string[], pickUrl: () => string, shown: Shown[]) {
    this.#rooms = new Map(rooms.map((room) => [room, createMembers()]));
    this.#pickUrl = pickUrl;
    this.#shown = shown;
    void this.#connect();
  }

  /** Connected, and acknowledged in all its rooms. */
  get isIn(): boolean {
    return this.#joined !== undefined && this.#joined === this.#socket && this.#joined.connected;
  }

  get isWanted(): boolean {
    return this.#isWanted;
  }

  get rooms(): readonly string[] {
    return [...this.#rooms.keys()];
  }

  /** The sessions that it shows in a room. */
  sessions(room: string): string[] {
    return [...(this.#rooms.get(room)?.map.keys() ?? [])].toSorted();
  }

  /** Its connection breaks. */
  cut(): void {
    this.#socket?.io.engine?.close();
  }

  /** A planned move: the new connection is in all rooms before the old one is closed. */
  async move(): Promise<void> {
    const before = this.#socket;
    if (!this.isIn || before === undefined) return;
    const next = await this.#open().catch(() => undefined);
    if (next === undefined) return;
    if (this.#socket !== before || !this.#isWanted) {
      next.disconnect();
      return;
    }
    this.#take(next);
    before.disconnect();
  }

  /** Changes its state everywhere. */
  async update(): Promise<void> {
    const socket = this.#joined;
    this.#updates += 1;
    const state = { name: `${this.session.slice(0, 4)} ${this.#updates}` };
    await Promise.all(
      this.rooms.map((room) => socket && askData(socket, "presence:update", { room, state }, requestTimeoutMs)),
    ).catch(() => undefined);
  }

  /** Leaves for good: closes, or just goes away. */
  end(): void {
    this.#isWanted = false;
    this.#socket?.disconnect();
    this.#socket = undefined;
  }

  #take(socket: StockSocket): void {
    this.#socket = socket;
    this.#joined = socket;
    socket.once("disconnect", () => {
      if (this.#socket === socket) void this.#connect();
    });
    if (!socket.connected) void this.#connect();
  }

  async #connect(): Promise<void> {
    this.#socket = undefined;
    while (this.#isWanted && this.#socket === undefined) {
      const socket = await this.#open().catch(() => undefined);
      if (socket === undefined) await delay(retryMs);
      else if (this.#isWanted) this.#take(socket);
      else socket.disconnect();
      if (socket !== undefined) return;
    }
  }

  /** A connection that is in all rooms. */
  async #open(): Promise<StockSocket> {
    const socket = await connectStock(this.#pickUrl(), {
      session: this.session,
      socket: { reconnection: false, timeout: requestTimeoutMs },
    });
    socket.on("presence:changed", (told) => {
      const members = this.#rooms.get(told.room);
      if (members !== undefined) this.#note(socket, told.room, members.changed(told));
    });
    try {
      await Promise.all([...this.#rooms].map(([room, members]) => this.#join(socket, room, members)));
    } catch (error) {
      socket.disconnect();
      throw error;
    }
    return socket;
  }

  async #join(socket: StockSocket, room: string, members: ReturnType<typeof createMembers>): Promise<void> {
    const { version } = members;
    const payload = { room, presence: { name: this.session.slice(0, 4) }, ...(version && { version }) };
    this.#note(socket, room, members.joined(await askData(socket, "room:join", payload, requestTimeoutMs)));
  }

  async #list(socket: StockSocket, room: string): Promise<void> {
    const page = await askData(socket, "presence:list", { room }, requestTimeoutMs).catch(() => undefined);
    if (page === undefined) {
      // As the client package does: what cannot be read now is read on another connection.
      socket.disconnect();
      return;
    }
    for (const change of this.#rooms.get(room)?.listed(page) ?? []) this.#note(socket, room, change);
  }

  #note(socket: StockSocket, room: string, change: MembersChange<AnyContract> | "read" | undefined): void {
    if (change === "read") void this.#list(socket, room);
    else if (change !== undefined) {
      for (const kind of ["joined", "left"] as const) {
        for (const { session } of change[kind]) {
          this.#shown.push({ by: this.session, room, kind, session, atMs: performance.now() });
        }
      }
    }
  }
}
