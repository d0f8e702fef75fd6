import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { invokeLater, isAsynchronous } from "./asynchronous.ts";
import type { Emitter } from "./events.ts";
import { forwardRequest, PARSER_HEADER_BYTES } from "./forward-request.ts";
import { forwardUpgrade } from "./forward-upgrade.ts";
import { formatHead } from "./headers.ts";
import type { Instance } from "./instance.ts";
import { judgeHead } from "./limits.ts";
import type { Pool } from "./pool.ts";
import { profileOf } from "./profiles.ts";
import { errorType, type Refusal, RefusedError, refusals } from "./refusals.ts";
import type { EmulatorSettings } from "./settings.ts";
import { pageHeaders, type StaticPage } from "./static-page.ts";
import { Throttle } from "./throttle.ts";
import { type Admission, judgeTrigger } from "./trigger-auth.ts";

/** The one door: takes every request through limits, trigger and pool to an instance. */
export class Gateway {
  readonly #pool: Pool;
  readonly #events: Emitter;
  readonly #server: Server;
  readonly #sockets = new Set<Duplex>();
  readonly #throttle = new Throttle();
  readonly #random: () => number;
  readonly #page: StaticPage | undefined;
  readonly #startedMs = performance.now();

  /**
   * @param random in [0, 1)
   * @param page what is served before anything reaches the function
   */
  constructor(pool: Pool, events: Emitter, random: () => number, page?: StaticPage) {
    this.#random = random;
    this.#page = page;
    this.#pool = pool;
    this.#events = events;
    this.#server = createServer({ maxHeaderSize: PARSER_HEADER_BYTES, requestTimeout: 0, keepAlive: true });
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    this.#server.on("request", (incoming, outgoing) => this.#onRequest(incoming, outgoing));
    this.#server.on("upgrade", (incoming, client, head) => this.#onUpgrade(incoming, client, head));
    this.#server.on("clientError", (error, client) => {
      if (client.writable) client.end(refusalText(refusals.malformed(error.message), randomUUID()));
    });
  }

  async listen(port: number, host: string): Promise<number> {
    this.#server.listen(port, host);
    await once(this.#server, "listening");
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("expected a TCP address");
    return address.port;
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    if (this.#server.listening) await once(this.#server, "close");
  }

  async #admit(incoming: IncomingMessage): Promise<Admission> {
    const { url = "/", method = "GET", headers, rawHeaders } = incoming;
    const { settings } = this.#pool.version;
    if (this.#throttle.exceeds(settings.requestsPerSecond)) throw new RefusedError(refusals.systemThrottled());
    if (settings.systemErrorShare > 0 && this.#random() < settings.systemErrorShare)
      throw new RefusedError(refusals.systemError());
    if (profileOf(settings).gateway === "plain") return { url, extraHeaders: [] };
    if (performance.now() - this.#startedMs < settings.triggerDelayMs) throw new RefusedError(refusals.noTrigger());
    if (settings.trigger?.disableUrlInternet && settings.domain === "default") {
      throw new RefusedError(refusals.internetDisabled());
    }
    const contentLength = headers["content-length"];
    const wrong = judgeHead({ url, rawHeaders, contentLength: contentLength ? Number(contentLength) : null });
    if (wrong) throw new RefusedError(wrong);
    const verdict = await judgeTrigger(this.#pool.version.settings.trigger, { method, url, headers });
    if ("refused" in verdict) throw new RefusedError(verdict.refused);
    return verdict.admitted;
  }

  async #onRequest(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    if (this.#servePage(incoming, outgoing)) return;
    const requestId = randomUUID();
    const gone = new AbortController();
    const onClose = () => gone.abort();
    outgoing.once("close", onClose);
    let instance: Instance | null = null;
    let status = 499;
    try {
      if (isPreflight(incoming, this.#pool.version.settings)) {
        status = 204;
        outgoing.writeHead(status, preflightHeaders(incoming, requestId)).end();
        return;
      }
      const admission = await this.#admit(incoming);
      if (isAsynchronous(incoming) && this.#pool.version.settings.asynchronous !== "ignored") {
        status = 202;
        await invokeLater(this.#pool, this.#events, incoming, outgoing);
        return;
      }
      instance = await this.#pool.acquire(gone.signal);
      const end = await forwardRequest({ incoming, outgoing, instance, admission, requestId });
      this.#pool.release(instance, { clientAborted: end.kind === "client-gone" });
      if (end.kind === "timed-out") {
        status = 502;
        this.#onTimeout(instance);
        this.#refuse(outgoing, timedOut(instance), requestId);
      }
      if (end.kind === "answered") status = end.status;
      if (end.kind === "refused") throw new RefusedError(end.refusal);
    } catch (error) {
      const refusal = refusalOf(error, gone.signal);
      if (refusal) {
        status = refusal.status;
        this.#refuse(outgoing, refusal, requestId);
      }
    } finally {
      outgoing.off("close", onClose);
      this.#tell(incoming, requestId, instance, status);
    }
  }

  #servePage({ method, url = "/" }: IncomingMessage, outgoing: ServerResponse): boolean {
    const file = method === "GET" || method === "HEAD" ? this.#page?.get(url.split("?", 1)[0] ?? "") : undefined;
    if (file === undefined) return false;
    outgoing.writeHead(200, pageHeaders(file.type, file.body.length)).end(method === "GET" ? file.body : undefined);
    return true;
  }

  async #onUpgrade(incoming: IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
    const requestId = randomUUID();
    const gone = new AbortController();
    const onClose = () => gone.abort();
    // No answer reaches a client that is gone; what waits for it ends with the `close` event.
    client.on("error", () => undefined);
    client.once("close", onClose).once("end", onClose);
    let instance: Instance | null = null;
    let status = 499;
    try {
      if (incoming.headers.upgrade?.toLowerCase() !== "websocket") {
        throw new RefusedError(refusals.malformed(`the upgrade ${incoming.headers.upgrade} is not supported`));
      }
      const admission = await this.#admit(incoming);
      instance = await this.#pool.acquire(gone.signal);
      client.off("close", onClose).off("end", onClose);
      const lent = instance;
      const onTimeout = () => this.#onTimeout(lent);
      const events = this.#events;
      const end = await forwardUpgrade({ incoming, client, head, instance, admission, requestId, events, onTimeout });
      this.#pool.release(instance, { clientAborted: end.kind === "client-gone" });
      if (end.kind === "closed" || end.kind === "cut") status = 101;
      if (end.kind === "answered") status = end.status;
      if (end.kind === "refused") throw new RefusedError(end.refusal);
      if (end.kind === "timed-out") throw new RefusedError(timedOut(instance));
    } catch (error) {
      const refusal = refusalOf(error, gone.signal);
      if (refusal) {
        status = refusal.status;
        client.end(refusalText(refusal, requestId));
      }
    } finally {
      if (status !== 101) this.#tell(incoming, requestId, instance, status);
    }
  }

  #onTimeout(instance: Instance): void {
    if (instance.version.settings.cut === "whole-instance") this.#pool.kill(instance, "timeout");
  }

  #refuse(outgoing: ServerResponse, refusal: Refusal, requestId: string): void {
    if (outgoing.headersSent) {
      outgoing.destroy();
      return;
    }
    outgoing.writeHead(refusal.status, refusalHeaders(refusal, requestId));
    outgoing.end(refusalBody(refusal, requestId));
  }

  #tell(
    { method = "", url = "" }: IncomingMessage,
    requestId: string,
    instance: Instance | null,
    status: number,
  ): void {
    this.#events.emit("request:ended", { requestId, instanceId: instance?.id ?? null, method, url, status });
  }
}

/** The gateway answers preflights of browsers by itself, whatever methods the trigger names. */
function isPreflight({ method, headers }: IncomingMessage, settings: EmulatorSettings): boolean {
  const isAsked = method === "OPTIONS" && headers["access-control-request-method"] !== undefined;
  return isAsked && profileOf(settings).gateway === "function-compute";
}

function preflightHeaders({ headers }: IncomingMessage, requestId: string): Record<string, string> {
  return {
    "Access-Control-Allow-Origin": headers.origin ?? "*",
    "Access-Control-Allow-Credentials": "true",
    "Access-Control-Allow-Methods": headers["access-control-request-method"] ?? "",
    "Access-Control-Allow-Headers": headers["access-control-request-headers"] ?? "",
    "X-Fc-Request-Id": requestId,
  };
}

/** What to answer to a failure; null when there is nobody left to answer to. */
function refusalOf(error: unknown, gone: AbortSignal): Refusal | null {
  if (error instanceof RefusedError) return error.refusal;
  return gone.aborted ? null : refusals.internal(String(error));
}

function timedOut(instance: Instance): Refusal {
  return refusals.brokenAnswer(`Function time out after ${instance.version.settings.timeoutSeconds} seconds`);
}

function refusalBody({ code, message }: Refusal, requestId: string): string {
  return JSON.stringify({ RequestId: requestId, ErrorCode: code, ErrorMessage: message });
}

function refusalHeaders({ status }: Refusal, requestId: string): Record<string, string> {
  return {
    "Content-Type": "application/json",
    "X-Fc-Error-Type": errorType(status),
    "X-Fc-Request-Id": requestId,
    Connection: "close",
  };
}

function refusalText(refusal: Refusal, requestId: string): string {
  const body = refusalBody(refusal, requestId);
  const headers = { ...refusalHeaders(refusal, requestId), "Content-Length": String(Buffer.byteLength(body)) };
  const statusLine = `${refusal.status} ${STATUS_CODES[refusal.status] ?? ""}`;
  return formatHead(statusLine, Object.entries(headers).flat()) + body;
}
