import type { ControlPath } from "./profile.ts";
import { profileOf } from "./profiles.ts";
import type { EmulatorSettings } from "./settings.ts";

/** Names and values in turn, as Node.js's `rawHeaders` and `writeHead` have them. */
export type RawHeaders = readonly string[];

/**
 * The headers that the platform sets on a request that reaches an instance.
 *
 * @param kind `handshake` is a WebSocket's; everything else, hooks included, is `plain`
 * @param rawHeaders the client's own, which may forge some
 */
export function platformHeaders(
  settings: EmulatorSettings,
  request: {
    readonly id: string;
    readonly controlPath: ControlPath;
    readonly kind: "plain" | "handshake";
    readonly rawHeaders?: RawHeaders;
  },
): string[] {
  const { timeoutHeader, forgedHeaders } = settings;
  const { id, controlPath, kind, rawHeaders = [] } = request;
  const told = timeoutHeader === "always" || (timeoutHeader === "plain-requests" && kind === "plain");
  const tellsTimeout = told && Number.isFinite(settings.timeoutSeconds);
  const forged = new Set(forgedHeaders === "kept" ? rawHeaders.map((text) => text.toLowerCase()) : []);
  const headers = profileOf(settings).headers({ settings, requestId: id, controlPath, tellsTimeout });
  return Object.entries(headers)
    .filter(([name]) => !forged.has(name))
    .flat();
}

function keep(raw: RawHeaders, wanted: (name: string, value: string) => boolean): string[] {
  const kept: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? "";
    const value = raw[index + 1] ?? "";
    if (wanted(name.toLowerCase(), value)) kept.push(name, value);
  }
  return kept;
}

const hopByHop = new Set(["connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade", "expect"]);

/** A client's headers on their way in: what only the platform may say, and what ends at the gateway, is taken off. */
export function requestHeaders(raw: RawHeaders, settings: EmulatorSettings): string[] {
  const { ownHeaders } = profileOf(settings);
  const isForged = (name: string) => settings.forgedHeaders === "overwritten" && name.startsWith(ownHeaders);
  return keep(raw, (name) => !isForged(name) && !hopByHop.has(name));
}

/** The same for a WebSocket handshake, which cannot do without its two connection headers. */
export function upgradeRequestHeaders(raw: RawHeaders, settings: EmulatorSettings): string[] {
  return [...requestHeaders(raw, settings), "Connection", "Upgrade", "Upgrade", "websocket"];
}

const refusedInAnswers = new Set([
  "connection",
  "content-length",
  "date",
  "keep-alive",
  "server",
  "upgrade",
  "transfer-encoding",
]);

/** What the answer of an instance passes on its way out. */
export interface AnswerContext {
  readonly requestId: string;
  readonly origin: string | null;
  readonly settings: Pick<EmulatorSettings, "domain" | "platform">;
}

function mayAnswer(name: string, value: string): boolean {
  if (name === "content-disposition") return !/^\s*attachment\b/i.test(value);
  return !name.startsWith("x-fc-") && !refusedInAnswers.has(name);
}

/**
 * An instance's headers on their way out. The gateway takes off what a function may not set, adds its own, and, like
 * the platform, lets any origin in with credentials as long as the function says nothing about it.
 */
export function responseHeaders(raw: RawHeaders, { requestId, origin, settings }: AnswerContext): string[] {
  if (profileOf(settings).gateway === "plain") return keep(raw, (name) => !hopByHop.has(name));
  const headers = keep(raw, mayAnswer);
  const names = new Set(headers.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase()));
  if (origin !== null && !names.has("access-control-allow-origin")) {
    headers.push("Access-Control-Allow-Origin", origin, "Access-Control-Allow-Credentials", "true");
  }
  if (settings.domain === "default") headers.push("Content-Disposition", "attachment");
  headers.push("X-Fc-Request-Id", requestId);
  return headers;
}

/** The head of a 101 answer: its connection headers are the gateway's own, so that the upgrade survives the strip. */
export function upgradeResponseHeaders(raw: RawHeaders, { requestId, settings }: AnswerContext): string[] {
  if (profileOf(settings).gateway === "plain") return [...raw];
  return ["Upgrade", "websocket", "Connection", "Upgrade", ...keep(raw, mayAnswer), "X-Fc-Request-Id", requestId];
}

/** The lines of a response head that is written to a socket by hand. */
export function formatHead(statusLine: string, raw: RawHeaders): string {
  let head = `HTTP/1.1 ${statusLine}\r\n`;
  for (let index = 0; index + 1 < raw.length; index += 2) head += `${raw[index]}: ${raw[index + 1]}\r\n`;
  return `${head}\r\n`;
}
