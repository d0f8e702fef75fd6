import { type AnyContract, type Client, connect, HoldfastError, type Status } from "@holdfast/client";
import type { ProviderProps } from "./api.ts";
import { lasting } from "./lasting.ts";
import { createState, type State } from "./state.ts";

/** The client of a provider, which is connected as long as something holds it. */
export interface HeldClient {
  readonly state: State<{ readonly status: Status }>;
  /** Connects where nothing holds it yet. Returns what lets go of it. */
  readonly hold: () => () => void;
  /** Undefined where nothing holds it. */
  current?: Client<AnyContract> | undefined;
}

/** Throws CLOSED where a component has no provider, or what it needs is not joined or connected any more. */
export function need<T>(it: T | null | undefined): T {
  if (!it) {
    throw new HoldfastError({
      code: "CLOSED",
      message: "the room was left, or there is no HoldfastProvider",
      retryable: false,
    });
  }
  return it;
}

export function holdClient({ url, options, onError, client }: ProviderProps<AnyContract>): HeldClient {
  let off: () => void;
  const held: HeldClient = {
    state: createState({ status: "connecting" }),
    hold: lasting(
      () => {
        const current = client ?? connect<AnyContract>(url as string, options);
        held.current = current;
        if (onError) current.on("error", onError);
        const tell = () => held.state.set({ status: current.status });
        off = current.on("status", tell);
        tell();
      },
      () => {
        off();
        if (!client) void held.current?.close();
        held.current = undefined;
      },
    ),
  };
  return held;
}
