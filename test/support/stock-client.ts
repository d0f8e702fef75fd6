import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
import {
  type Acknowledgement,
  type ClientToServerEvents,
  limits,
  type NotificationName,
  type NotificationPayload,
  notifications,
  type RequestData,
  type RequestName,
  type RequestPayload,
  requests,
  type ServerToClientEvents,
} from "../../client/src/protocol/index.ts";
import { sessionId } from "./unique.ts";
import { DEFAULT_WAIT_MS, waitFor, withTimeout } from "./wait.ts";

export type StockSocket = Socket<ServerToClientEvents, ClientToServerEvents> & Disposable;

export interface StockOptions {
  /** Default: a fresh one. */
  readonly session?: string;
  readonly token?: string;
  /** Default: the version that this code speaks. */
  readonly protocol?: number;
  /** Further options of socket.io-client, e.g. `{ reconnection: false }`. */
  readonly socket?: Partial<ManagerOptions & SocketOptions>;
}

/** A stock socket.io-client that is not connected yet, for tests that must listen before the first packet. */
export function stockSocket(url: string, options: StockOptions = {}): StockSocket {
  const { session = sessionId(), token, protocol = limits.protocolVersion } = options;
  const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io(url, {
    transports: ["websocket"],
    forceNew: true,
    autoConnect: false,
    auth: { protocol, session, ...(token === undefined ? {} : { token }) },
    ...options.socket,
  });
  return Object.assign(socket, {
    [Symbol.dispose]() {
      socket.disconnect();
    },
  });
}

/**
 * A connected stock socket.io-client.
 *
 * @throws the server's refusal, with its code in `data`
 */
export async function connectStock(url: string, options: StockOptions = {}): Promise<StockSocket> {
  const socket = stockSocket(url, options);
  try {
    await opened(socket);
  } catch (error) {
    socket.disconnect();
    throw error;
  }
  return socket;
}

/** Connects the socket; rejects with the first refusal or failure. */
export async function opened(socket: StockSocket, timeoutMs = DEFAULT_WAIT_MS): Promise<void> {
  const outcome = new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("connect_error", reject);
  });
  socket.connect();
  await withTimeout(outcome, "the socket to connect", timeoutMs);
}

/** Sends a request, and holds the acknowledgement of a success against the request table. */
export async function ask<Name extends RequestName>(
  socket: StockSocket,
  event: Name,
  payload: RequestPayload<Name>,
  timeoutMs = DEFAULT_WAIT_MS,
): Promise<Acknowledgement<RequestData<Name>>> {
  // Untyped, because no type of socket.io-client's follows a request's name from the argument to the acknowledgement.
  const untyped = socket as unknown as Socket;
  const answer: Acknowledgement<unknown> = await withTimeout(
    untyped.emitWithAck(event, payload),
    `the acknowledgement of ${event}`,
    timeoutMs,
  );
  if (!answer.ok) return answer;
  return { ok: true, data: requests[event].data.parse(answer.data) as RequestData<Name> };
}

/** Like `ask`, for requests that must succeed. */
export async function askData<Name extends RequestName>(
  socket: StockSocket,
  event: Name,
  payload: RequestPayload<Name>,
  timeoutMs = DEFAULT_WAIT_MS,
): Promise<RequestData<Name>> {
  const answer = await ask(socket, event, payload, timeoutMs);
  if (answer.ok) return answer.data;
  throw new Error(`expected ${event} to succeed, got ${answer.error.code}: ${answer.error.message}`);
}

/** Every notification of one kind since `collect` was called. */
export interface Collected<Name extends NotificationName> extends Disposable {
  readonly items: readonly NotificationPayload<Name>[];
  /** The first notification, early or late, that fits. */
  waitFor(
    predicate: (item: NotificationPayload<Name>) => boolean,
    whatItWaitsFor: string,
    timeoutMs?: number,
  ): Promise<NotificationPayload<Name>>;
}

/** Collects notifications from now on, each held against the notification table. */
export function collect<Name extends NotificationName>(socket: StockSocket, event: Name): Collected<Name> {
  const untyped = socket as unknown as Socket;
  const name: string = event;
  const items: NotificationPayload<Name>[] = [];
  const violations: unknown[] = [];
  const listener = (payload: unknown) => {
    const parsed = notifications[event].safeParse(payload);
    if (parsed.success) items.push(parsed.data as NotificationPayload<Name>);
    else violations.push(parsed.error);
  };
  untyped.on(name, listener);
  return {
    items,
    async waitFor(predicate, whatItWaitsFor, timeoutMs) {
      const found = await waitFor(
        () => violations.length > 0 || items.some(predicate),
        `${event}: ${whatItWaitsFor}`,
        timeoutMs,
      );
      if (violations.length > 0 || !found) throw new Error(`expected a valid ${event}`, { cause: violations[0] });
      return items.find(predicate) as NotificationPayload<Name>;
    },
    [Symbol.dispose]() {
      untyped.off(name, listener);
    },
  };
}
