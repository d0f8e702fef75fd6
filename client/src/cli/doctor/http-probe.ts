import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";

export interface HttpAnswer {
  readonly type: "answer";
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  /** As much of it as a probe looks at. */
  readonly body: string;
  /** In milliseconds since 1970, by this machine's clock. */
  readonly sentMs: number;
  readonly receivedMs: number;
}

/** The connection failed, or no answer came in time. */
export interface NoAnswer {
  readonly type: "none";
  /** Of Node.js, such as ECONNREFUSED; TIMED_OUT where nothing came. */
  readonly code: string;
  readonly message: string;
}

/** The WebSocket opened. */
export interface Upgraded {
  readonly type: "upgraded";
  /** The first bytes that came through it; empty where none came in time. */
  readonly first: string;
}

const mostBodyBytes = 16_384;

interface Asking {
  readonly waitMs: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A GET on a connection of its own, without following redirects. A certificate is another check's matter. */
export async function probe(url: string, asking: Asking): Promise<HttpAnswer | NoAnswer> {
  const found = await send(url, asking);
  return found.type === "upgraded" ? { type: "none", code: "UPGRADED", message: "a WebSocket opened unasked" } : found;
}

/** Asks for a WebSocket, byte by byte as a client does, and so sees what a client's library hides: status and body of a refusal. */
export function probeUpgrade(url: string, { waitMs, headers = {} }: Asking): Promise<Upgraded | HttpAnswer | NoAnswer> {
  const key = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64");
  const upgrade = {
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": key,
  };
  return send(url, { waitMs, headers: { ...headers, ...upgrade } });
}

function send(url: string, { waitMs, headers = {} }: Asking): Promise<Upgraded | HttpAnswer | NoAnswer> {
  const sentMs = Date.now();
  return new Promise((resolve) => {
    const request = (url.startsWith("https:") ? requestHttps : requestHttp)(url, {
      agent: false,
      headers,
      rejectUnauthorized: false,
    });
    const settle = (found: Upgraded | HttpAnswer | NoAnswer) => {
      clearTimeout(timer);
      resolve(found);
      request.destroy();
    };
    let late: Upgraded | NoAnswer = { type: "none", code: "TIMED_OUT", message: `no answer within ${waitMs} ms` };
    const timer = setTimeout(() => settle(late), waitMs);
    request.on("error", (error: NodeJS.ErrnoException) => {
      settle({ type: "none", code: error.code ?? "FAILED", message: error.message });
    });
    request.on("upgrade", (_, socket, head) => {
      // Destroyed with the request; what comes then is of no interest.
      socket.on("error", () => undefined);
      const take = (bytes: Buffer) => {
        settle({ type: "upgraded", first: bytes.toString("latin1") });
        socket.destroy();
      };
      late = { type: "upgraded", first: "" };
      setTimeout(() => socket.destroy(), waitMs).unref();
      if (head.length > 0) take(head);
      else socket.once("data", take).once("close", () => settle({ type: "upgraded", first: "" }));
    });
    request.on("response", (response) => {
      let body = "";
      const receivedMs = Date.now();
      const end = () =>
        settle({
          type: "answer",
          status: response.statusCode ?? 0,
          headers: response.headers,
          body,
          sentMs,
          receivedMs,
        });
      response.setEncoding("utf8").on("data", (text: string) => {
        body += text;
        if (body.length >= mostBodyBytes) end();
      });
      response.on("end", end).on("error", end);
    });
    request.end();
  });
}

/** A body as JSON; undefined where it is none. */
export function jsonOf({ body }: HttpAnswer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** Who answered, where it says so: ` (nginx/1.22)`. */
export function serverName({ headers }: HttpAnswer): string {
  return headers.server === undefined ? "" : ` (${headers.server})`;
}
