import { io } from "socket.io-client";
import type { SocketIoOptions } from "../../../client/src/connection.ts";
import { connectChat } from "../../support/chat.ts";
import { messageId } from "../../support/unique.ts";
import { readStamp, type Stamp } from "../rig/stamp.ts";
import type { Line } from "./line.ts";

/** Which client an application uses: our package, or stock socket.io-client as its documentation shows. */
export type ClientKind = "holdfast" | "stock";

/** What an application notices. */
export interface ClientEvents {
  /** Connected, for the first time or again. */
  up(): void;
  down(): void;
  /** It was moved to another connection before the one that it had was cut. */
  moved(): void;
  /** A message came that a server had taken at that time, in milliseconds of `Date.now()`. */
  message(stamp: Stamp, takenAtMs: number): void;
  /** The client said that it cannot prove to have delivered everything. */
  gap(): void;
}

/** One client in one room, over a line of its own. */
export interface ApplicationClient {
  /** Resolves when the room is joined for the first time. */
  readonly ready: Promise<void>;
  /** Resolves when the server has acknowledged the message; rejects when the client gives up. */
  publish(text: string): Promise<void>;
}

/** The line decides where connections go; the address only has to be one. */
const ADDRESS = "http://127.0.0.1";
const ACKNOWLEDGEMENT_TIMEOUT_MS = 10_000;

export interface ClientOptions {
  readonly kind: ClientKind;
  readonly line: Line;
  readonly room: string;
  /** Whether our package hears at once that the line is back, as it does in a browser. Stock has no such thing. */
  readonly onlineHint: boolean;
}

export function openClient(options: ClientOptions, events: ClientEvents): ApplicationClient {
  return options.kind === "holdfast" ? openHoldfast(options, events) : openStock(options, events);
}

/** socket.io-client's types allow no agent in `agent`, which is what it takes in Node.js. */
function through(line: Line): SocketIoOptions {
  return { transports: ["websocket"], agent: line as unknown as string };
}

function openHoldfast({ line, room: name, onlineHint }: ClientOptions, events: ClientEvents): ApplicationClient {
  const client = connectChat(ADDRESS, { socket: through(line), onlineHint: onlineHint && line.hint });
  let isMoving = false;
  client.on("status", (status) => {
    if (status === "connected") {
      events.up();
      if (isMoving) events.moved();
    }
    if (status === "reconnecting") events.down();
    isMoving = status === "moving";
  });
  client.on("error", (error) => console.error(`client: ${error.code} ${error.message}`));
  const room = client.join(name);
  room.on("chat:message", ({ text }, { sentAtMs }) => events.message(readStamp(text), sentAtMs));
  room.on("gap", () => events.gap());
  return {
    ready: room.ready,
    async publish(text) {
      await room.publish("chat:message", { text });
    },
  };
}

function openStock({ line, room }: ClientOptions, events: ClientEvents): ApplicationClient {
  const socket = io(ADDRESS, { ...through(line), forceNew: true });
  const ready = new Promise<void>((resolve) => {
    socket.on("connect", () => {
      events.up();
      // Where the server recovered the session, it has put the socket into its rooms already.
      if (socket.recovered) resolve();
      else socket.emit("room:join", { room }, () => resolve());
    });
  });
  socket.on("disconnect", () => events.down());
  socket.on("message", ({ data, sentAtMs }: { data: { text: string }; sentAtMs: number }) => {
    events.message(readStamp(data.text), sentAtMs);
  });
  return {
    ready,
    async publish(text) {
      const message = { room, id: messageId(), event: "chat:message", data: { text } };
      await socket.timeout(ACKNOWLEDGEMENT_TIMEOUT_MS).emitWithAck("message:publish", message);
    },
  };
}
