import { usageError } from "./refusal.ts";

/** Where a server is: what `connect` is called with. */
export interface Address {
  /** `http://host:port` or `https://host:port`. */
  readonly origin: string;
  /** Below it are the WebSockets: `/socket.io/`, unless the server is under a path of its own. */
  readonly socketPath: string;
}

const ownPath = "/socket.io/";

/** Reads the address of a server. Throws a Refusal that says what is wrong, with what may have been meant. */
export function parseAddress(text: string): Address {
  const given = text.trim();
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(given) && URL.canParse(given) ? new URL(given) : undefined;
  if (url === undefined) {
    const meant = `${isLocal(given) ? "http" : "https"}://${given}`;
    const next = URL.canParse(meant) && given !== "" ? `Did you mean ${new URL(meant).origin}?` : undefined;
    throw usageError(`Expected an address such as https://rooms.example.com, got ${JSON.stringify(text)}.`, next);
  }
  const scheme = schemes[url.protocol];
  if (scheme === undefined) {
    throw usageError(
      `Expected an address with https://, http://, wss:// or ws://, got ${url.protocol}//.`,
      `Did you mean https://${url.host}?`,
    );
  }
  const origin = `${scheme}//${url.host}`;
  // The path may be that of the server, or that of its WebSockets.
  const path = url.pathname.replace(/\/+$/, "").replace(/\/socket\.io$/, "");
  return { origin, socketPath: `${path}${ownPath}` };
}

const schemes: Readonly<Record<string, string>> = {
  "http:": "http:",
  "https:": "https:",
  "ws:": "http:",
  "wss:": "https:",
};

function isLocal(host: string): boolean {
  return /^(localhost|127\.|\[::1\]|10\.|192\.168\.)/.test(host);
}
