import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import { limits } from "../../../client/src/protocol/limits.ts";
import { type Position, splitPosition } from "../../../client/src/protocol/position.ts";
import { ask, connectStock } from "../../support/stock-client.ts";
import { messageId, sessionId } from "../../support/unique.ts";
import type { Forgery } from "./fault.ts";

const OPEN_MS = 3_000;
const HOUR_MS = 3_600_000;
const LAST_EPOCH_MS = 999_999_999_999_999;
/** Of the size that a chat message may have. */
const BALLAST_CHARS = 4_000;
const BALLAST_MESSAGES = 150;

/** Somebody joins a room from a position that never was, and goes. False when he was not let in. */
export async function forgePosition(url: string, room: string, forgery: Forgery): Promise<boolean> {
  const socket = await connectStock(url, { socket: { reconnection: false, timeout: OPEN_MS } }).catch(() => undefined);
  if (socket === undefined) return false;
  using _ = socket;
  const read = await ask(socket, "history:read", { room, limit: 1 }, OPEN_MS).catch(() => undefined);
  if (!read?.ok) return false;
  const since = forgedPosition(read.data.position, forgery);
  const answer = await ask(socket, "room:join", { room, since }, OPEN_MS).catch(() => undefined);
  await ask(socket, "history:read", { room, after: since }, OPEN_MS).catch(() => undefined);
  return answer?.ok === true;
}

function forgedPosition(head: Position, forgery: Forgery): Position {
  const { epochMs, seq } = splitPosition(head);
  switch (forgery) {
    case "next":
      return `${epochMs}-${seq + 1}`;
    case "ahead":
      return `${epochMs}-${seq + 1_000_000}`;
    case "other-epoch":
      return `${Math.max(0, epochMs - 1)}-0`;
    case "later-epoch":
      return `${epochMs + HOUR_MS}-0`;
    case "last-epoch":
      return `${LAST_EPOCH_MS}-${LAST_EPOCH_MS}`;
    case "first":
      return "0-1";
  }
}

/** Fills a room with as much as a few hundred long messages. */
export async function fillRoom(url: string, room: string): Promise<void> {
  using socket = await connectStock(url);
  for (let number = 0; number < BALLAST_MESSAGES; number += 1) {
    const data = { text: "x".repeat(BALLAST_CHARS) };
    await ask(socket, "message:publish", { room, id: messageId(), event: "chat:message", data });
  }
}

/** A connection that joins a room, asks for pages and reads nothing more. False when it was not let in. */
export async function readNothing(
  url: string,
  { room, pages, until }: { readonly room: string; readonly pages: number; readonly until: Promise<void> },
): Promise<boolean> {
  const socket = new WebSocket(`${url.replace(/^http/, "ws")}/socket.io/?EIO=4&transport=websocket`);
  socket.on("error", () => undefined); // The instance may be killed or frozen itself at this moment.
  const isIn = new Promise<boolean>((resolve) => {
    socket.on("close", () => resolve(false));
    // Engine.IO's open packet, and Socket.IO's answer to the connection to a namespace.
    socket.on("message", (bytes: Buffer) => {
      if (bytes[0] === "0".charCodeAt(0)) {
        socket.send(`40${JSON.stringify({ protocol: limits.protocolVersion, session: sessionId() })}`);
      } else if (bytes.toString("latin1", 0, 2) === "40") resolve(true);
    });
  });
  try {
    const wasLetIn = await Promise.race([isIn, delay(OPEN_MS, false)]);
    if (!wasLetIn) return false;
    socket.pause();
    socket.send(`420${JSON.stringify(["room:join", { room, history: limits.pageMessages }])}`);
    for (let number = 1; number <= pages; number += 1)
      socket.send(`42${number}${JSON.stringify(["history:read", { room }])}`);
    await until;
    return true;
  } finally {
    socket.terminate();
  }
}
