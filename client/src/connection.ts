import { Manager, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
import { backoffMs, FIRST_RETRY_MS, longestDelayMs, sleep } from "./backoff.ts";
import { runHandler } from "./emitter.ts";
import { type ErrorDetail, HoldfastError, notJson, TIMED_OUT, tokenFailed } from "./errors.ts";
import type {
  HandshakeAuth,
  NotificationName,
  NotificationPayload,
  Page,
  RequestData,
  RequestName,
  RequestPayload,
} from "./protocol/events.ts";
import type { limits } from "./protocol/limits.ts";

/** Socket.IO's options, except those that the client has to rule itself. */
export type SocketIoOptions = Partial<
  Omit<
    ManagerOptions & SocketOptions,
    "ackTimeout" | "auth" | "autoConnect" | "forceNew" | "multiplex" | "reconnection" | "retries"
  >
>;

/** A token, or what gives one that is valid now. */
export type Token = string | (() => string | Promise<string>);

/** What a connection tells its owner. */
export type ConnectionEvent =
  /** It came up, for the first time or again, and no room is joined through it. */
  | { readonly type: "up" }
  /** It was cut. What was in flight is answered with TIMED_OUT after this. */
  | { readonly type: "cut" }
  /**
   * The server or the token function refused an attempt, or the address cannot be used, or the token function gave no
   * fresh token for a connection that is up. Unless closed, it tries again.
   */
  | { readonly type: "refused"; readonly error: HoldfastError }
  /** An attempt failed, or was cut, without an answer by a Holdfast server. It tries again. */
  | { readonly type: "failed"; readonly cause: unknown }
  /** The server said who it takes the client for. */
  | { readonly type: "known"; readonly user: string | null }
  /** The server told something; a newer server may tell what is not in the table. */
  | { readonly type: "notified"; readonly notification: ServerNotification };

/** One of the server's notifications: its name and its payload. */
type ServerNotification = {
  [Name in NotificationName]: readonly [name: Name, payload: NotificationPayload<Name>];
}[NotificationName];

/** One of those about a room. */
export type RoomNotification = Exclude<ServerNotification, readonly ["connection:expiring", unknown]>;

/** What a request resolves with; it never rejects. */
export type Reply<Data> =
  | { readonly ok: true; readonly data: Data }
  | { readonly ok: false; readonly error: ErrorDetail };

/** Asks the server through the connection that is current, and resolves with the answer. */
export type Ask = <Data>(name: string, payload: unknown) => Promise<Data>;

/** What goes over the wire is held to the protocol's tables by `request`, `signal` and `notified`. */
type WireEvents = Record<string, (...args: unknown[]) => void>;

// Numbers of the protocol, held to `limits` by their types, so that the table itself stays out of the bundle.
const PROTOCOL_VERSION: typeof limits.protocolVersion = 1;
const ACKNOWLEDGEMENT_TIMEOUT_MS: typeof limits.acknowledgementTimeoutMs = 10_000;
/** How long a server may take to show that the connection still works, when that is in doubt. */
const ECHO_TIMEOUT_MS = 3000;
/** Socket.IO's own default for `timeout`, which it holds the opening of the WebSocket to. */
const ATTEMPT_TIMEOUT_MS = 20_000;

export type Connection = ReturnType<typeof openConnection>;

/** One Socket.IO connection, which keeps coming back until it is closed. */
export function openConnection(
  url: string,
  autoConnect: boolean,
  options: SocketIoOptions,
  session: string,
  token: Token | undefined,
  tell: (connection: Connection, event: ConnectionEvent) => void,
) {
  const pending = new Set<Promise<unknown>>();
  /** Joins and pages that were asked for since something arrived last. */
  const reads = new Map<string, Promise<Reply<Page>>>();
  let refusals = 0;
  let isClosed = false;
  /** Of the next attempt that is not Socket.IO's own. None while the connection is up, or while Socket.IO comes back. */
  let timer: ReturnType<typeof setTimeout> | undefined;

  const socketIo: Partial<ManagerOptions & SocketOptions> = {
    transports: ["websocket"],
    // Socket.IO's own reconnection, with full jitter: the first retry comes evenly spread over a second, so that 1,000
    // clients that were cut at once do not arrive in one burst.
    reconnectionDelay: FIRST_RETRY_MS / 2,
    randomizationFactor: 1,
    ...options,
    autoConnect,
    retries: 0,
    auth(send) {
      const { engine } = socket.io;
      // A token that comes, or fails, late belongs to an attempt that is over: the next one asks for its own.
      const isOver = () => engine.readyState !== "open";
      Promise.resolve()
        .then(() => (typeof token === "function" ? token() : token))
        .then(
          (fresh) => {
            if (isOver()) return;
            // Neither Socket.IO nor the pings of a server that is alive end a handshake that is never answered.
            retry(options.timeout ?? ATTEMPT_TIMEOUT_MS);
            send({ protocol: PROTOCOL_VERSION, session, token: fresh } satisfies HandshakeAuth);
          },
          (cause) => isOver() || refuse(tokenFailed(cause)),
        );
    },
  };
  // A manager of its own for each connection: a handover needs a second WebSocket, not a second use of the first.
  const socket: Socket<WireEvents> = new Manager(url, socketIo).socket("/", socketIo);

  /**
   * Starts a new attempt, in place of whatever is under way then. Socket.IO does not come back by itself from a refused
   * handshake, nor from a disconnection by the server.
   */
  function retry(delayMs = backoffMs(refusals++)) {
    stopTimer();
    if (!isClosed) timer = setTimeout(() => socket.disconnect().connect(), delayMs);
  }

  function stopTimer() {
    clearTimeout(timer);
  }

  function refuse(error: HoldfastError) {
    // First, so that the owner can close the connection, or hurry it.
    retry(error.retryAfterMs);
    tell(connection, { type: "refused", error });
  }

  const connection = {
    /**
     * The rooms that are joined through this connection since it came up last, by their names, and what was told through it
     * of the own presence there; undefined where nothing was.
     */
    rooms: new Map<string, unknown>(),

    /** Socket.IO's id of the current connection; undefined while it is down. */
    id: () => socket.id,

    /** To be used while the connection is up only. TIMED_OUT stands for every missing answer, whatever the cause. */
    request<Name extends RequestName>(name: Name, payload: RequestPayload<Name>): Promise<Reply<RequestData<Name>>> {
      const reply = connection.ask<RequestData<Name>>(name, payload);
      void reply.then((answer) => {
        const { user } = Object(answer.ok && answer.data) as { readonly user?: string | null };
        if (user !== undefined) tell(connection, { type: "known", user });
      });
      return reply;
    },

    /**
     * The same for a join or a page. Handles that ask the same get the same answer while nothing else has arrived since
     * it was asked: it says nothing about what came before another handle asked.
     */
    read(name: "room:join" | "history:read", payload: RequestPayload<typeof name>) {
      const key = name + JSON.stringify(payload);
      const reply = reads.get(key) ?? connection.request(name, payload);
      reads.set(key, reply);
      return reply;
    },

    /** The same for a request that is the application's own. */
    ask<Data>(name: string, payload: unknown, timeoutMs: number = ACKNOWLEDGEMENT_TIMEOUT_MS) {
      const reply: Promise<Reply<Data>> = socket
        .timeout(timeoutMs)
        .emitWithAck(name, payload)
        // What is not JSON cannot be sent.
        .catch((cause) => ({ ok: false, error: cause instanceof TypeError ? notJson(cause) : TIMED_OUT }));
      pending.add(reply);
      void reply.then(() => {
        pending.delete(reply);
        reads.clear();
      });
      return reply;
    },

    /** Tries now instead of after the delay. */
    hurry() {
      // Not at once: within an event of Socket.IO, an attempt would start beside the one that Socket.IO is about to plan.
      if (!socket.connected) retry(0);
    },

    /** Where the server does not answer in time, or `isLost`, the connection is given up for a new one. */
    async check(isLost: boolean) {
      const id = socket.id;
      if (!id || (!isLost && (await connection.ask("echo", null, ECHO_TIMEOUT_MS)).ok) || socket.id !== id) return;
      socket.io.engine.close();
      connection.hurry();
    },

    /** Waits, though no longer than the connection is up. */
    async wait(delayMs: number) {
      if (!socket.connected) return;
      await Promise.race([sleep(delayMs), new Promise((resolve) => socket.once("disconnect", resolve))]);
    },

    /** Never comes up again. What is in flight gets `graceMs` to be answered; resolves when the WebSocket is closed. */
    async close(graceMs = 0) {
      isClosed = true;
      stopTimer();
      if (graceMs) await Promise.race([Promise.all(pending), sleep(graceMs)]);
      await new Promise<void>((resolve) => {
        const engine: typeof socket.io.engine | undefined = socket.io.engine;
        // An address that cannot be used has no engine.
        if (!engine || engine.readyState === "closed") resolve();
        else engine.once("close", () => resolve());
        socket.disconnect();
      });
    },
  };

  // The attempt that the timer was to replace is over. Where Socket.IO does not come back by itself, it is set after this.
  socket.io.on("close", stopTimer);
  // A first delay of the application's own goes with Socket.IO's longest one.
  if (!options.reconnectionDelay && !options.reconnectionDelayMax) {
    socket.io.reconnectionDelayMax(longestDelayMs(0));
    socket.io.on("reconnect_attempt", (attempt) => socket.io.reconnectionDelayMax(longestDelayMs(attempt)));
  }
  /** Of WebSockets that opened, until one has come up. A single one is no sign of a wrong address. */
  let cutsBeforeUp: number | undefined = 0;
  socket.on("connect", () => {
    stopTimer();
    cutsBeforeUp = undefined;
    refusals = 0;
    tell(connection, { type: "up" });
  });
  socket.on("disconnect", (reason) => {
    // Socket.IO keeps what was emitted while the connection was dying, and would send it before the rooms are joined.
    socket.sendBuffer = [];
    connection.rooms.clear();
    if (!socket.active) retry();
    tell(connection, { type: "cut" });
    if (cutsBeforeUp !== undefined && ++cutsBeforeUp > 1)
      tell(connection, { type: "failed", cause: new Error(reason) });
  });
  socket.on("connect_error", (error: Error & { data?: ErrorDetail }) => {
    if (error.data) return refuse(new HoldfastError(error.data));
    if (!socket.active) retry();
    tell(connection, { type: "failed", cause: error });
  });
  // A payload that is not what the table says is reported, and ends nothing.
  socket.onAny((name, payload) => {
    reads.clear();
    runHandler(() => tell(connection, { type: "notified", notification: [name, payload] }));
  });
  return connection;
}
