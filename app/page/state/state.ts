import type { Link } from "./link.ts";
import { newLink } from "./link.ts";
import { nobody, type People } from "./people.ts";
import { allRead, type Reading } from "./reading.ts";
import { emptyTimeline, type Timeline } from "./timeline.ts";

/** Everything that the page shows. */
export interface State {
  readonly room: string;
  /** As the user calls oneself; undefined for a guest without a name. */
  readonly name: string | undefined;
  readonly session: string;
  /** Rooms that were opened in this browser, the newest first. */
  readonly rooms: readonly string[];
  readonly timeline: Timeline;
  readonly link: Link;
  readonly people: People;
  readonly reading: Reading;
  /** What went wrong last, in words. */
  readonly trouble: string | undefined;
  /** The message whose emoji are offered. */
  readonly picking: string | undefined;
}

export function initialState(given: Pick<State, "room" | "name" | "session" | "rooms">): State {
  return {
    ...given,
    timeline: emptyTimeline,
    link: newLink,
    people: nobody,
    reading: allRead,
    trouble: undefined,
    picking: undefined,
  };
}

export interface Store {
  readonly state: State;
  /** Changes the state; what follows from that on the page comes once, after all changes of the same tick. */
  update(change: (state: State) => Partial<State>): void;
}

export function createStore(initial: State, changed: () => void): Store {
  let state = initial;
  let isDue = false;
  return {
    get state() {
      return state;
    },
    update(change) {
      state = { ...state, ...change(state) };
      if (isDue) return;
      isDue = true;
      queueMicrotask(() => {
        isDue = false;
        changed();
      });
    },
  };
}
