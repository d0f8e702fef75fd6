import type { AnyContract } from "@holdfast/client";
import { createContext, createElement, type ReactElement, useContext, useEffect, useMemo } from "react";
import type { Hooks, MessagesOptions, ProviderProps, RoomHandle } from "./api.ts";
import { type HeldClient, holdClient, need } from "./held-client.ts";
import { LIMIT, logOf, type Page, select } from "./message-log.ts";
import { createRoomStore, type RoomStore, type StoredHandle } from "./room-store.ts";
import { useKept, useRead } from "./state.ts";

const ClientContext = createContext<HeldClient | null>(null);

const useHeldClient = (): HeldClient => need(useContext(ClientContext));

export function HoldfastProvider<Contract>(props: ProviderProps<Contract>): ReactElement {
  // At run time there is one client for all contracts.
  const held = useKept(
    () => holdClient(props as unknown as ProviderProps<AnyContract>),
    props.client ?? `${props.url}`,
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: its functions are as old as itself.
  useEffect(held.hold, [held]);
  return createElement(ClientContext.Provider, { value: held }, props.children);
}

// The types of a contract say what its schemas let through; at run time there is one set of hooks for all contracts.

type Untyped = Hooks<AnyContract>;

/** The page that a room's messages begin with, as of the first rendering. */
interface Shown {
  readonly initial: MessagesOptions["initial"];
  readonly page: Page | undefined;
}

const storeOf = (room: object): RoomStore => (room as StoredHandle).store;

export const useStatus: Untyped["useStatus"] = () => useRead(useHeldClient().state, (now) => now.status);

export const useRoom: Untyped["useRoom"] = (name, options = {}) => {
  const held = useHeldClient();
  const store = useKept(() => createRoomStore(held, name, options), held, JSON.stringify([name, options]));
  // biome-ignore lint/correctness/useExhaustiveDependencies: its functions are as old as itself.
  useEffect(store.start, [store]);
  return useRead(store.state, (now) => now.room) as RoomHandle<never>;
};

export const useMessages: Untyped["useMessages"] = (room, event, { initial, limit = LIMIT } = {}) => {
  const store = storeOf(room);
  // A page that was shown for another room is none of this one.
  const { page } = useKept<Shown>(
    (before) => ({ initial, page: initial === before?.initial ? undefined : initial && logOf(initial) }),
    store,
  );
  useEffect(() => store.show(limit, page), [store, limit, page]);
  const log = useRead(store.state, (now) => (page && !page.isIn ? page : now.log));
  return useMemo(
    () =>
      ({
        ...select(log, event),
        hasOlder: room.status === "joined" && log.isCut && log.entries.length < limit,
        loadOlder: () => store.loadOlder(event),
      }) as never,
    [log, event, limit, room.status, store],
  );
};

export const useSignal: Untyped["useSignal"] = ({ on }, event, handler) => {
  useEffect(() => (on as StoredHandle["on"])(event, handler as never), [on, event, handler]);
};

export const useMembers: Untyped["useMembers"] = (room) => useRead(storeOf(room).state, (now) => now.members) as never;

export const useRequest: Untyped["useRequest"] = (event) => {
  const held = useHeldClient();
  return useMemo(
    () => async (payload: unknown) => need(held.current).request(event, payload as never),
    [held, event],
  ) as never;
};

/** The hooks, typed by a contract: `createHooks<typeof contract>()`. */
export function createHooks<Contract>(): Hooks<Contract> {
  const hooks: Untyped = { HoldfastProvider, useStatus, useRoom, useMessages, useSignal, useMembers, useRequest };
  return hooks as unknown as Hooks<Contract>;
}
