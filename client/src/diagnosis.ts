import type { ErrorDetail, OwnError } from "./errors.ts";

/**
 * Why a client that was never connected cannot connect, with the next step. A browser does not tell: it hides the status
 * and the body of a refused WebSocket. But a plain request, whose answer it hides as well, succeeds where anything
 * answers at that address.
 */
export async function diagnose(url: string, isAddress: boolean): Promise<ErrorDetail> {
  if (!isAddress) return INVALID_URL(url);
  try {
    await fetch(url.replace(/^ws/, "http"), {
      method: "HEAD",
      mode: "no-cors",
      credentials: "omit",
      cache: "no-store",
    });
    return UPGRADE_REFUSED(url);
  } catch {
    return UNREACHABLE(url);
  }
}

const INVALID_URL = (url: string): OwnError<"INVALID_URL"> => ({
  code: "INVALID_URL",
  message: `expected an address such as https://rooms.example.com, with a scheme and without a path, got ${JSON.stringify(url)}; a server under a path of its own needs the option socket: { path: "/path/socket.io/" }`,
  retryable: false,
});

const UNREACHABLE = (url: string): OwnError<"UNREACHABLE"> => ({
  code: "UNREACHABLE",
  message: `nothing answers at ${url}: check the host and the port, that the server runs, and the network`,
  retryable: true,
});

const UPGRADE_REFUSED = (url: string): OwnError<"UPGRADE_REFUSED"> => ({
  code: "UPGRADE_REFUSED",
  message: `${url} answers, but does not accept the WebSocket, or closes it at once: ${
    // Node.js has no page, and so no origin.
    globalThis.location ? `allow the origin ${location.origin} in the server's ALLOWED_ORIGINS, or check` : "check"
  } that a Holdfast server answers there; one under a path of its own needs the option socket: { path: "/path/socket.io/" }`,
  retryable: true,
});
