import type { Finding } from "./probe.ts";

/** How long a client may try to connect before a fresh one takes its place: its handshake may hang for ever. */
export const connectTimeoutMs = 8_000;
/** A connection that was up for this long had found its master: what comes later is a new series. */
const calmAfterMs = 10_000;

/**
 * What a supervised connection is doing. Moments are the monotonic clock's, since a clock that is set must not end or
 * stretch a limit.
 *
 *     idle ──→ connecting ⇄ proving ──→ up ──→ connecting    the client lost its connection, and tries again
 *                  ↑           │         │
 *                  └───────────┴─ resting ┘                  the client was given up: silent, or on the wrong server
 *
 * Every state ends in `closed`.
 */
type ConnectionState<Client> =
  /** `resting`: a fresh client starts after a delay. */
  { readonly is: "idle" | "resting" | "closed" } | UsingState<Client>;

interface UsingState<Client> {
  /** `proving`: it is connected, and is being asked whether its server serves. */
  readonly is: "connecting" | "proving" | "up";
  readonly client: Client;
  readonly sinceMs: number;
}

/** All that is known of a supervised connection. */
export interface Supervision<Client> {
  readonly state: ConnectionState<Client>;
  /** Counts the states, so that the answer to a question that was asked in an earlier one is recognised. */
  readonly turn: number;
  readonly lostAtMs: number;
  readonly lastError: Error | undefined;
  /** How many servers in a row were no master. */
  readonly misplaced: number;
}

/** What happens to it. What comes from a client that was given up, or answers an earlier state, changes nothing. */
export type SupervisionEvent<Client> =
  /** A fresh client begins to connect. */
  | { readonly type: "started"; readonly client: Client }
  /** The client is connected; that of a cluster says so again whenever one of its nodes is. */
  | { readonly type: "ready"; readonly client: Client }
  /** The client lost its connection, or failed to get one, and goes on trying. */
  | { readonly type: "failed"; readonly client: Client; readonly reason: Error }
  /** The client has given up connecting. */
  | { readonly type: "gave up"; readonly client: Client; readonly reason: Error }
  /** The server was probed, or its refusal of a command told the same. */
  | { readonly type: "found"; readonly turn: number; readonly finding: Finding }
  /** Somebody knows that the server is the wrong one. */
  | { readonly type: "left"; readonly reason: Error }
  | { readonly type: "tick" }
  | { readonly type: "closed" };

/** What has to be done about it, in this order. */
export type Effect<Client> =
  | { readonly do: "probe"; readonly client: Client; readonly turn: number }
  | { readonly do: "announce up" }
  | { readonly do: "announce loss"; readonly reason: Error }
  | { readonly do: "announce misplaced"; readonly reason: Error }
  /** What waits for the connection goes on. */
  | { readonly do: "resume" }
  | { readonly do: "destroy"; readonly client: Client }
  | { readonly do: "rest"; readonly delay: Delay };

/** How long to rest before a fresh client starts; see backoff.ts. */
export type Delay = "none" | "reconnect" | { readonly misplacedBefore: number };

interface Transition<Client> {
  readonly next: Supervision<Client>;
  readonly effects: readonly Effect<Client>[];
}

export function unopened<Client>(nowMs: number): Supervision<Client> {
  return { state: { is: "idle" }, turn: 0, lostAtMs: nowMs, lastError: undefined, misplaced: 0 };
}

/** Decides what follows from an event: the only place that changes the state. */
export function transition<Client>(
  now: Supervision<Client>,
  event: SupervisionEvent<Client>,
  nowMs: number,
): Transition<Client> {
  const { state } = now;
  if (state.is === "closed") return unchanged(now);
  if (event.type === "closed") return closed(now);
  if (event.type === "started") return moved(now, { is: "connecting", client: event.client, sinceMs: nowMs });
  if (!("client" in state)) return unchanged(now);
  if ("client" in event && event.client !== state.client) return unchanged(now);
  switch (event.type) {
    case "ready":
      return ready(now, state);
    case "failed":
      return failed({ ...now, lastError: event.reason }, state, event.reason, nowMs);
    case "gave up":
      return giveUp(now, state, event.reason, "reconnect", nowMs);
    case "found":
      return event.turn === now.turn ? found(now, state, event.finding, nowMs) : unchanged(now);
    case "left":
      return state.is === "connecting" ? unchanged(now) : giveUp(now, state, event.reason, "none", nowMs);
    case "tick":
      return state.is !== "up" && nowMs - state.sinceMs > connectTimeoutMs
        ? giveUp(now, state, new Error("no connection within the time limit"), "none", nowMs)
        : unchanged(now);
  }
}

function unchanged<Client>(now: Supervision<Client>, ...effects: readonly Effect<Client>[]): Transition<Client> {
  return { next: now, effects };
}

function moved<Client>(
  now: Supervision<Client>,
  state: ConnectionState<Client>,
  ...effects: readonly Effect<Client>[]
): Transition<Client> {
  return { next: { ...now, state, turn: now.turn + 1 }, effects };
}

function closed<Client>(now: Supervision<Client>): Transition<Client> {
  const { state } = now;
  const destroy = "client" in state ? [{ do: "destroy", client: state.client } as const] : [];
  return moved(now, { is: "closed" }, ...destroy);
}

function ready<Client>(now: Supervision<Client>, state: UsingState<Client>): Transition<Client> {
  if (state.is === "up") return unchanged(now, { do: "announce up" });
  if (state.is === "proving") return unchanged(now);
  return moved(now, { ...state, is: "proving" }, { do: "probe", client: state.client, turn: now.turn + 1 });
}

function failed<Client>(
  now: Supervision<Client>,
  state: UsingState<Client>,
  reason: Error,
  nowMs: number,
): Transition<Client> {
  if (state.is === "connecting") return unchanged(now);
  if (state.is === "proving") return moved(now, { ...state, is: "connecting" });
  const connecting = { is: "connecting", client: state.client, sinceMs: nowMs } as const;
  return moved(lost(now, state, nowMs), connecting, { do: "announce loss", reason });
}

function found<Client>(
  now: Supervision<Client>,
  state: UsingState<Client>,
  finding: Finding,
  nowMs: number,
): Transition<Client> {
  if (state.is === "connecting") return unchanged(now);
  switch (finding.is) {
    case "serving":
      if (state.is === "up") return unchanged(now);
      return moved(now, { is: "up", client: state.client, sinceMs: nowMs }, { do: "announce up" }, { do: "resume" });
    case "silent":
      return giveUp(now, state, finding.reason, state.is === "up" ? "none" : "reconnect", nowMs);
    case "misplaced": {
      const misplacedBefore = lost(now, state, nowMs).misplaced;
      const { next, effects } = giveUp(now, state, finding.reason, { misplacedBefore }, nowMs);
      const announced = misplacedBefore > 0 ? [] : [{ do: "announce misplaced", reason: finding.reason } as const];
      return { next: { ...next, misplaced: misplacedBefore + 1 }, effects: [...effects, ...announced] };
    }
  }
}

/** A fresh client takes the place of this one, after a rest. */
function giveUp<Client>(
  now: Supervision<Client>,
  state: UsingState<Client>,
  reason: Error,
  delay: Delay,
  nowMs: number,
): Transition<Client> {
  const loss = state.is === "up" ? [{ do: "announce loss", reason } as const] : [];
  return moved({ ...lost(now, state, nowMs), lastError: reason }, { is: "resting" }, { do: "rest", delay }, ...loss, {
    do: "destroy",
    client: state.client,
  });
}

/** Takes note of the end of a connection that was up. */
function lost<Client>(now: Supervision<Client>, state: UsingState<Client>, nowMs: number): Supervision<Client> {
  if (state.is !== "up") return now;
  return { ...now, lostAtMs: nowMs, misplaced: nowMs - state.sinceMs > calmAfterMs ? 0 : now.misplaced };
}
