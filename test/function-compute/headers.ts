import type { EmulatorSettings } from "./settings.ts";

/** Names and values in turn, as Node.js's `rawHeaders` and `writeHead` have them. */
export type RawHeaders = readonly string[];

/** What kind of request the platform makes: the `x-fc-control-path` header. */
export type ControlPath = "/http-invoke" | "/initialize" | "/pre-stop";

/** Stand-ins for the temporary credentials that the platform sends with every request. */
export const dummyCredentials = {
  "x-fc-access-key-id": "STS.emulator-access-key-id",
  "x-fc-access-key-secret": "emulator-access-key-secret",
  "x-fc-security-token": "emulator-security-token",
} as const;

export const accountId = "1234567890123456";
export const qualifier = "LATEST";

/**
 * The headers that the platform sets on every request that reaches an instance.
 *
 * @param kind `handshake` is a WebSocket's; everything else, hooks included, is `plain`
 */
export function platformHeaders(
  settings: EmulatorSettings,
  requestId: string,
  controlPath: ControlPath,
  kind: "plain" | "handshake",
): string[] {
  const { timeoutHeader } = settings;
  const tellsTimeout = timeoutHeader === "always" || (timeoutHeader === "plain-requests" && kind === "plain");
  return Object.entries({
    "x-fc-request-id": requestId,
    "x-fc-control-path": controlPath,
    "x-fc-function-name": settings.functionName,
    "x-fc-function-memory": String(settings.memoryMb),
    ...(tellsTimeout ? { "x-fc-function-timeout": String(settings.timeoutSeconds) } : {}),
    "x-fc-region": settings.region,
    "x-fc-account-id": accountId,
    "x-fc-qualifier": qualifier,
    ...dummyCredentials,
  }).flat();
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
export function requestHeaders(raw: RawHeaders): string[] {
  return keep(raw, (name) => !name.startsWith("x-fc-") && !hopByHop.has(name));
}

/** The same for a WebSocket handshake, which cannot do without its two connection headers. */
export function upgradeRequestHeaders(raw: RawHeaders): string[] {
  return [...requestHeaders(raw), "Connection", "Upgrade", "Upgrade", "websocket"];
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

function mayAnswer(name: string, value: string): boolean {
  if (name === "content-disposition") return !/^\s*attachment\b/i.test(value);
  return !name.startsWith("x-fc-") && !refusedInAnswers.has(name);
}

/**
 * An instance's headers on their way out. The gateway takes off what a function may not set, adds its own, and, like
 * the platform, lets any origin in with credentials as long as the function says nothing about it.
 */
export function responseHeaders(
  raw: RawHeaders,
  context: { readonly requestId: string; readonly origin: string | null; readonly domain: EmulatorSettings["domain"] },
): string[] {
  const headers = keep(raw, mayAnswer);
  const names = new Set(headers.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase()));
  if (context.origin !== null && !names.has("access-control-allow-origin")) {
    headers.push("Access-Control-Allow-Origin", context.origin, "Access-Control-Allow-Credentials", "true");
  }
  if (context.domain === "default") headers.push("Content-Disposition", "attachment");
  headers.push("X-Fc-Request-Id", context.requestId);
  return headers;
}

/** The head of a 101 answer: its connection headers are the gateway's own, so that the upgrade survives the strip. */
export function upgradeResponseHeaders(raw: RawHeaders, requestId: string): string[] {
  return ["Upgrade", "websocket", "Connection", "Upgrade", ...keep(raw, mayAnswer), "X-Fc-Request-Id", requestId];
}

/** The lines of a response head that is written to a socket by hand. */
export function formatHead(statusLine: string, raw: RawHeaders): string {
  let head = `HTTP/1.1 ${statusLine}\r\n`;
  for (let index = 0; index + 1 < raw.length; index += 2) head += `${raw[index]}: ${raw[index + 1]}\r\n`;
  return `${head}\r\n`;
}
