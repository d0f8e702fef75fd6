import type { AnyContract, HoldfastError, JoinOptions, MemberOf, Position, Room } from "@holdfast/client";
import type { RoomHandle } from "./api.ts";
import { type HeldClient, need } from "./held-client.ts";
import { lasting } from "./lasting.ts";
import { append, LIMIT, type MessageLog, NO_LOG, type Page } from "./message-log.ts";
import { createState, type State } from "./state.ts";

type Options = JoinOptions<AnyContract>;

/** A handle as the hooks see it. */
export interface StoredHandle extends RoomHandle<AnyContract> {
  readonly store: RoomStore;
}

interface RoomState {
  readonly room: StoredHandle;
  readonly log: MessageLog;
  readonly members: readonly MemberOf<AnyContract>[];
}

/** What stands behind the handle of a component: it is there before the room is joined, and where a server renders. */
export interface RoomStore {
  readonly state: State<RoomState>;
  /** Joins the room, as an effect does. */
  readonly start: () => () => void;
  /** A component shows messages: so many at most, and from the beginning those of a page. */
  show(limit: number, page: Page | undefined): void;
  /** Reads pages until there is a message of this event, or none is left. */
  loadOlder(event?: string, page?: Page): Promise<void>;
}

export function createRoomStore(held: HeldClient, name: string | undefined, options: Options): RoomStore {
  let core: Room<AnyContract> | undefined;
  /** Where delivery stood when the room was left last. */
  let position: Position | undefined;
  let letGo: () => void;
  let limit = 0;
  let begin: () => void;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });

  /** What is called before the effect has joined the room waits for that. */
  const call =
    (method: "publish" | "history" | "setPresence") =>
    async (...args: never) => {
      await begun;
      return (need(core)[method] as (...args: never) => Promise<never>)(...args);
    };

  const state = createState<RoomState>({
    room: {
      get store() {
        return store;
      },
      name,
      status: name ? "joining" : "left",
      on: () => () => undefined,
      signal: (...args) => core?.signal(...args),
      publish: call("publish"),
      history: call("history"),
      setPresence: call("setPresence"),
    },
    log: NO_LOG,
    members: [],
  });

  function add(entry: MessageLog["entries"][0]) {
    state.set({ log: append(state.now.log, entry, limit || LIMIT) });
  }

  function join() {
    begin();
    if (!name || !held.current) return;
    const since = position ?? state.now.log.end ?? options.since;
    const room = held.current.join(name, { ...options, since } as Options);
    const tell = (change: Partial<StoredHandle>) =>
      state.set({ room: { ...state.now.room, ...change }, members: [...room.members.values()] });
    const fail = (error: HoldfastError) => tell({ error, ...(room.status === "left" && { status: "left" }) });
    core = room;
    room.on("message", add);
    room.on("gap", add);
    room.on("error", fail);
    room.on("revoked", fail);
    room.on("members", ({ count }) => tell({ count }));
    // Components listen from now on, before anything can arrive.
    tell({ on: room.on });
    room.ready.then(() => tell({ status: "joined", error: undefined }), fail);
  }

  const store: RoomStore = {
    state,
    start: lasting(
      () => {
        letGo = held.hold();
        // When all effects of the commit have run, so that it is known which page is shown.
        queueMicrotask(join);
      },
      () => {
        position = core?.position;
        void core?.leave();
        core = undefined;
        letGo();
      },
    ),
    show(atMost, page) {
      limit = Math.max(limit, atMost);
      if (!page || page.isIn) return;
      const { end } = state.now.log;
      const settle = () => {
        page.isIn = true;
        state.set({});
      };
      // Where the application loads its own state, it joins without a position.
      if (end !== page.end && (core || end || options.load)) store.loadOlder("", page).then(settle, settle);
      else {
        if (!end) state.set({ log: page });
        settle();
      }
    },
    async loadOlder(event, page) {
      const { loadOlder } = await import("./older-messages.ts");
      await begun;
      await loadOlder(need(core), state, limit || LIMIT, event, page);
    },
  };
  return store;
}
