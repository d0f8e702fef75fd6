import { backoffMs } from "./backoff.ts";
import type { Connection, Reply } from "./connection.ts";
import type { AnyContract } from "./contract.ts";
import type { Emitter } from "./emitter.ts";
import { CLOSED, type ErrorDetail, notJson } from "./errors.ts";
import type { Handover } from "./handover.ts";
import { createMembers } from "./members.ts";
import { createOwnState, type OwnState, type Wish } from "./own-state.ts";
import type { Member, NotificationPayload, RequestData, RequestPayload } from "./protocol/events.ts";
import type { MembersChange } from "./room-api.ts";

type Change = MembersChange<AnyContract>;

/** What the application sees of the members. */
export interface MembersView {
  readonly name: string;
  readonly members: Map<string, Member>;
  count: number | undefined;
  mode: Change["mode"] | undefined;
}

/** What the members of a handle need of its client. */
interface PresenceOwner {
  readonly handover: Handover;
  /** Of this room: its handles share it. */
  readonly outbox: object;
  /** Whether the room has a handle. */
  isWanted(room: string): boolean;
  /** The connection that the room can be used through now. */
  route(room: string): Connection | undefined;
}

export type Presence = ReturnType<typeof createPresence>;

const ownStates = new WeakMap<object, OwnState>();

/**
 * The members that one handle of a room shows, and its part in the own state.
 *
 * @param state - what the handle joins with: true for none, null to be no member
 * @param view - is kept up to date
 * @param refuse - is called where the server refuses that state
 */
export function createPresence(
  view: MembersView,
  state: unknown,
  { handover, outbox, isWanted, route }: PresenceOwner,
  events: Emitter,
  refuse: (error: ErrorDetail) => void,
) {
  const { name: room, members: map } = view;
  const own = ownStates.get(outbox) ?? createOwnState(room, handover);
  ownStates.set(outbox, own);
  const members = createMembers(map);
  /** The id that a connection had when its join told this handle the members: it is another one after a cut. */
  const told = new WeakMap<Connection, string | undefined>();
  /** With which state it was joined by the last answer. */
  const joined = new WeakMap<Connection, Wish>();
  const handle = {};
  let isOver = false;

  own.enter(handle);
  if (state !== null) {
    ask(state, true, (error) => {
      // Who may not write is told of the others alone.
      if (!error || error.code === "FORBIDDEN" || isOver) return;
      void end(error);
      refuse(error);
    });
  }

  /** With a copy, so that what is told to another connection is the same. */
  function ask(of: unknown, isOfJoin: boolean, settle: Wish["settle"]) {
    try {
      own.ask({ state: JSON.parse(JSON.stringify(of)), by: handle, isOfJoin, settle });
    } catch (cause) {
      settle(notJson(cause));
    }
  }

  /** The handle is over. Resolves when the server knows, as far as it can be told. */
  function end(error: ErrorDetail) {
    isOver = true;
    map.clear();
    view.count = view.mode = undefined;
    return own.exit(handle, error);
  }

  function show(change: Change | "read" | undefined) {
    if (change === "read") void read();
    else if (change && !isOver) {
      view.count = change.count;
      view.mode = change.mode;
      events.emit("members", change);
    }
  }

  /** Reads the list page by page. Where it cannot be read, the next join or notification shows what is missing. */
  async function read() {
    let list: RequestData<"presence:list"> | undefined;
    for (let attempt = 0; !list || list.cursor; ) {
      const connection = isOver ? undefined : route(room);
      if (!connection) return void members.listed(undefined);
      const reply = await connection.request("presence:list", { room, ...(list?.cursor && { cursor: list.cursor }) });
      if (reply.ok) {
        const page = reply.data;
        const { version = page.version, members: before = [] } = list ?? {};
        // Behind other data it is the first page again. What has changed since the first page is held, and told behind it.
        const isOfOtherData = version.split("-")[0] !== page.version.split("-")[0];
        list = isOfOtherData ? page : { ...page, version, members: [...before, ...page.members] };
        if (page.mode === "count") break;
      } else if (!reply.error.retryable) return void members.listed(undefined);
      else await connection.wait(reply.error.retryAfterMs ?? backoffMs(attempt++));
    }
    for (const change of members.listed(list)) show(change);
  }

  return {
    /** Whether a connection, which may be in the room, does not tell this handle of the members yet. */
    isDue: (connection: Connection) => !connection.rooms.get(room) || told.get(connection) !== connection.id(),

    async join(connection: Connection, payload: RequestPayload<"room:join">): Promise<Reply<RequestData<"room:join">>> {
      const joining = await own.join(connection, handle, (presence) => {
        const { version } = members;
        return connection.read("room:join", { ...payload, presence, ...(version && { version }) });
      });
      if (!joining) return { ok: false, error: CLOSED };
      const { wish, reply } = joining;
      joined.set(connection, wish);
      // The room is kept by others, as whom the join has made a member.
      if (isOver && reply.ok && isWanted(room)) {
        connection.rooms.set(room, wish);
        void own.tell(connection);
      }
      return reply;
    },

    /** The answer of a join is valid: the handle has neither ended nor lost its right meanwhile. */
    joined(connection: Connection, answer: RequestData<"room:join">) {
      const wish = joined.get(connection);
      if (!wish) return;
      connection.rooms.set(room, wish);
      told.set(connection, connection.id());
      own.stored(wish);
      show(members.joined(answer));
      void own.tell(connection);
    },

    changed(change: NotificationPayload<"presence:changed">) {
      // What comes before the first answer is in it.
      if (members.version) show(members.changed(change));
    },

    /** Resolves when a state, or a newer one, is stored, or with the reason why it is not. */
    set: (state: unknown) => new Promise<ErrorDetail | undefined>((resolve) => ask(state, false, resolve)),

    end,
  };
}
