import { createHash } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { secureHeaders } from "hono/secure-headers";

/** The headers of a page. */
export function pageHeaders(html: string): MiddlewareHandler {
  return secureHeaders({
    contentSecurityPolicy: contentPolicy(html),
    xFrameOptions: "DENY",
    // A client of another origin that cannot connect asks for this address, to learn whether anything answers.
    crossOriginResourcePolicy: false,
  });
}

/**
 * What a page may load: its own scripts and styles, which are known by their hashes, and what its own host serves. It
 * connects to its own host alone, and stands in no frame. A page with other needs is served by the application's routes.
 */
function contentPolicy(html: string) {
  return {
    defaultSrc: ["'self'"],
    scriptSrc: ["'self'", ...hashesOf("script", html)],
    styleSrc: ["'self'", ...hashesOf("style", html)],
    imgSrc: ["'self'", "data:"],
    objectSrc: ["'none'"],
    baseUri: ["'none'"],
    formAction: ["'self'"],
    frameAncestors: ["'none'"],
  };
}

/** The sources that allow the elements whose text stands in the page itself. */
function hashesOf(element: "script" | "style", html: string): string[] {
  const texts = html.matchAll(new RegExp(`<${element}\\b[^>]*>([\\s\\S]*?)</${element}\\s*>`, "gi"));
  return [...texts].flatMap(([, text = ""]) =>
    text === "" ? [] : `'sha256-${createHash("sha256").update(text.replace(/\r\n?/g, "\n")).digest("base64")}'`,
  );
}
