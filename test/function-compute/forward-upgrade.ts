import { randomUUID } from "node:crypto";
import { type IncomingMessage, request } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { CloseFrameWatch } from "./close-frame.ts";
import { atDeadline } from "./deadline.ts";
import type { CutReason, Emitter } from "./events.ts";
import { PARSER_HEADER_BYTES, type RequestEnd } from "./forward-request.ts";
import {
  formatHead,
  platformHeaders,
  responseHeaders,
  upgradeRequestHeaders,
  upgradeResponseHeaders,
} from "./headers.ts";
import { type Instance, instanceHost } from "./instance.ts";
import { refusals } from "./refusals.ts";
import type { Admission } from "./trigger-auth.ts";

export interface Handshake {
  readonly incoming: IncomingMessage;
  readonly client: Duplex;
  /** What the client sent behind its handshake. */
  readonly head: Buffer;
  readonly instance: Instance;
  readonly admission: Admission;
  readonly requestId: string;
  readonly events: Emitter;
  /** Called when the function's time is over, before the connection is cut. */
  readonly onTimeout: () => void;
}

/** How a WebSocket ended; `client-gone`: without a close frame, by the client. */
export type UpgradeEnd = RequestEnd | { readonly kind: "closed" | "cut" };

/** How long the other side may take to receive what is still on its way to it, once one side is gone. */
const FLUSH_MS = 5000;

/** Passes a WebSocket handshake on to an instance and then the bytes in both directions, until either side is gone. */
export async function forwardUpgrade(handshake: Handshake): Promise<UpgradeEnd> {
  const { incoming, client, instance, admission, requestId, onTimeout } = handshake;
  const { settings } = instance.version;
  const deadlineMs = Date.now() + settings.timeoutSeconds * 1000;
  return new Promise((resolve) => {
    const upstream = request({
      host: instanceHost,
      port: instance.port,
      method: "GET",
      path: admission.url,
      headers: [
        ...upgradeRequestHeaders(incoming.rawHeaders, settings),
        ...admission.extraHeaders,
        ...platformHeaders(settings, {
          id: requestId,
          controlPath: "/http-invoke",
          kind: "handshake",
          rawHeaders: incoming.rawHeaders,
        }),
      ],
      agent: false,
      maxHeaderSize: PARSER_HEADER_BYTES,
    });
    let cutNow: (() => void) | null = null;
    const timer = atDeadline(settings.timeoutSeconds, () => {
      onTimeout();
      if (cutNow) cutNow();
      else end({ kind: "timed-out" });
    });
    const end = (how: UpgradeEnd) => {
      clearTimeout(timer);
      client.off("close", onClientGone).off("end", onClientGone);
      if (how.kind !== "answered") upstream.destroy();
      resolve(how);
    };
    const onClientGone = () => end({ kind: "client-gone" });
    client.once("close", onClientGone).once("end", onClientGone);
    if (client.destroyed) onClientGone();

    upstream.on("error", () => end({ kind: "refused", refusal: refusals.brokenAnswer("the instance did not answer") }));
    upstream.once("response", (answer) => {
      const status = answer.statusCode ?? 502;
      if (settings.domain === "default" && status >= 300 && status < 400) {
        end({ kind: "refused", refusal: refusals.redirectForbidden() });
        return;
      }
      const origin = incoming.headers.origin ?? null;
      const headers = responseHeaders(answer.rawHeaders, { requestId, origin, settings });
      client.write(formatHead(`${status} ${answer.statusMessage ?? ""}`, [...headers, "Connection", "close"]));
      answer.pipe(client);
      answer.once("close", () => end({ kind: "answered", status }));
    });
    upstream.once("upgrade", (answer, server, serverHead) => {
      client.off("close", onClientGone).off("end", onClientGone);
      const headers = upgradeResponseHeaders(answer.rawHeaders, { requestId, origin: null, settings });
      client.write(formatHead("101 Switching Protocols", headers));
      cutNow = join({ ...handshake, server, serverHead, deadlineMs }, end);
    });
    upstream.end();
  });
}

type Join = Handshake & { readonly server: Socket; readonly serverHead: Buffer; readonly deadlineMs: number };

/** Joins both sockets; returns the function that cuts the connection at its deadline. */
function join(sides: Join, end: (how: UpgradeEnd) => void): () => void {
  const { incoming, client, head, server, serverHead, instance, events, deadlineMs } = sides;
  const facts = { connectionId: randomUUID(), instanceId: instance.id };
  const fromClient = new CloseFrameWatch();
  const fromServer = new CloseFrameWatch();
  let initiator: "client" | "instance" | null = null;
  let over = false;
  const { clientGoneMs, idleCutMs, largestFrameBytes } = instance.version.settings;
  events.emit("connection:opened", { ...facts, url: incoming.url ?? "/", deadlineMs });

  const finish = (last: "client" | "instance" | CutReason) => {
    if (over) return;
    over = true;
    silence.stop();
    const closed = fromClient.seen || fromServer.seen;
    const by = initiator ?? (last === "client" ? "client" : "instance");
    if (last !== "client" && last !== "instance") {
      client.destroy();
      server.destroy();
      events.emit("connection:cut", { ...facts, reason: last });
      end({ kind: "cut" });
      return;
    }
    if (by === "client" && !closed && clientGoneMs > 0) {
      client.destroy();
      // The instance hears of it later, and until then its connection looks as if somebody listened.
      server.unpipe(client).resume();
      setTimeout(() => finished(by, closed), clientGoneMs);
    } else finished(by, closed);
  };

  const finished = (by: "client" | "instance", closed: boolean) => {
    for (const socket of [client, server]) destroySoon(socket);
    if (closed || by === "client") {
      events.emit("connection:closed", { ...facts, by, clean: closed, leftMs: deadlineMs - Date.now() });
      end({ kind: closed ? "closed" : "client-gone" });
    } else {
      events.emit("connection:cut", { ...facts, reason: "instance" });
      end({ kind: "cut" });
    }
  };

  const silence = new Silence(idleCutMs, () => finish("idle"));
  const watch = (socket: Duplex, frames: CloseFrameWatch, side: "client" | "instance") => {
    socket.on("data", (chunk: Buffer) => {
      silence.heard();
      frames.feed(chunk);
      if (largestFrameBytes !== null && frames.largestBytes > largestFrameBytes) finish("frame");
      if (frames.seen) initiator ??= side;
    });
    socket.once("end", () => {
      initiator ??= side;
    });
    socket.once("close", () => finish(side));
    // An error is always followed by the close that ends the connection.
    socket.on("error", () => undefined);
  };
  server.setNoDelay(true);
  watch(client, fromClient, "client");
  watch(server, fromServer, "instance");
  // What either side sent right behind its part of the handshake goes first.
  fromClient.feed(head);
  fromServer.feed(serverHead);
  server.write(head);
  client.write(serverHead);
  client.pipe(server);
  server.pipe(client);
  return () => finish("timeout");
}

/** Ends a connection on which nobody has said anything for too long. */
class Silence {
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(longestMs: number | null, onSilence: () => void) {
    this.#timer = longestMs === null ? undefined : setTimeout(onSilence, longestMs);
  }

  heard(): void {
    this.#timer?.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

/** Ends a socket once it has passed on what it holds, but does not wait forever for a peer that does not read. */
function destroySoon(socket: Duplex): void {
  if (socket.destroyed) return;
  socket.end(() => socket.destroy());
  setTimeout(() => socket.destroy(), FLUSH_MS).unref();
}
