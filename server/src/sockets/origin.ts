/**
 * Whether a handshake with this `Origin` may pass. A client outside a browser sends none and passes; WebSocket knows no
 * CORS, so for browsers this check is the only one. An empty list allows the page that this server's own host serves.
 */
export function originAllowed(
  allowed: "any" | readonly string[],
  origin: string | undefined,
  host: string | undefined,
): boolean {
  if (allowed === "any" || origin === undefined) return true;
  if (allowed.includes(origin)) return true;
  return allowed.length === 0 && URL.canParse(origin) && new URL(origin).host === host;
}
