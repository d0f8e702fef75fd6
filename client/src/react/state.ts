import { useState, useSyncExternalStore } from "react";

/** Something outside of React that components read: every change makes another object, so that what was rendered stays whole. */
export interface State<T> {
  /** What a server renders, and a browser that takes that over. */
  readonly first: T;
  readonly now: T;
  subscribe(listener: () => void): () => unknown;
  set(change: Partial<T>): void;
}

export function createState<T>(first: T): State<T> {
  const listeners = new Set<() => void>();
  const state = {
    first,
    now: first,
    subscribe(listener: () => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    set(change: Partial<T>) {
      state.now = { ...state.now, ...change };
      for (const listener of listeners) listener();
    },
  };
  return state;
}

/** Reads a part; the component is rendered again when it is another value. */
export function useRead<T, Part>(state: State<T>, read: (from: T) => Part): Part {
  return useSyncExternalStore(
    state.subscribe,
    () => read(state.now),
    () => read(state.first),
  );
}

/**
 * What `make` gives, for as long as the keys are the same. Unlike `useMemo`, a hot reload keeps it.
 *
 * @param make - gets what it replaces
 */
export function useKept<T>(make: (before?: T) => T, key: unknown, of?: unknown): T {
  let [kept, keep] = useState(() => [make(), key, of] as const);
  if (kept[1] !== key || kept[2] !== of) {
    kept = [make(kept[0]), key, of];
    keep(kept);
  }
  return kept[0];
}
