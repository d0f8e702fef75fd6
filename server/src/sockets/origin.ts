/** `any`, or origins such as `https://app.example`, and `https://*.app.example` for every host below one. */
export type AllowedOrigins = "any" | readonly string[];

/**
 * Whether a handshake with this `Origin` may pass. A client outside a browser sends none and passes; WebSocket knows no
 * CORS, so for browsers this check is the only one. The `Host` of the request proves nothing: a page that resolves its own
 * name to this server has it as well.
 */
export function originAllowed(allowed: AllowedOrigins, origin: string | undefined): boolean {
  if (allowed === "any" || origin === undefined) return true;
  return allowed.some((each) => (each.includes("*") ? isBelow(each, origin) : each === origin));
}

/** A browser writes an origin in one way alone, so that text can be compared. */
function isBelow(pattern: string, origin: string): boolean {
  const [scheme = "", parent = ""] = pattern.split("*");
  if (!origin.startsWith(scheme) || !origin.endsWith(parent)) return false;
  const labels = origin.slice(scheme.length, origin.length - parent.length);
  return scheme.length + parent.length < origin.length && /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/.test(labels);
}
