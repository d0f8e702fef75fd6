import type { IncomingMessage, Server } from "node:http";

/**
 * Credentials that platforms add to requests: Function Compute, FunctionGraph, Tencent SCF and Vercel, in this order. They
 * must be gone before anything keeps or logs the headers, and Socket.IO keeps the handshake's headers on every socket.
 * They are removed wherever the server runs, because nothing needs them.
 */
const credentialHeaders =
  /^x-(?:fc-(?:access-.*|security-token)|cff-(?:access-key|secret-key|security-.*|auth-token)|scf-(?:secret-.*|session-token)|vercel-oidc-token)$/i;

/** Removes the platform's credentials from every request and upgrade before any other listener sees it. */
export function stripCredentials(server: Server): void {
  server.prependListener("request", (request) => withoutCredentials(request));
  server.prependListener("upgrade", (request) => withoutCredentials(request));
}

/** Removes the platform's credentials from a request, and gives it back. */
export function withoutCredentials(request: IncomingMessage): IncomingMessage {
  const { rawHeaders } = request;
  if (!rawHeaders.some((text, index) => index % 2 === 0 && isCredential(text))) return request;
  // Node parses `headers` and `headersDistinct` from rawHeaders on first use, with a length that it has stored before. So
  // both are read before rawHeaders is replaced.
  for (const headers of [request.headers, request.headersDistinct]) {
    for (const name of Object.keys(headers)) {
      if (isCredential(name)) delete headers[name];
    }
  }
  const kept: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    if (!isCredential(name)) kept.push(name, rawHeaders[index + 1] ?? "");
  }
  request.rawHeaders = kept;
  return request;
}

function isCredential(name: string): boolean {
  return credentialHeaders.test(name);
}
