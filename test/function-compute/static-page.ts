import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A page's files by their path: what a host of static files in front of the function would serve. */
export type StaticPage = ReadonlyMap<string, { readonly type: string; readonly body: Buffer }>;

const files = [
  ["/", "index.html", "text/html; charset=utf-8"],
  ["/page.js", "page.js", "text/javascript; charset=utf-8"],
  ["/page.css", "page.css", "text/css; charset=utf-8"],
] as const;

/** The page that the build has put into a folder; undefined where there is none. */
export function readStaticPage(folder: string): StaticPage | undefined {
  if (!existsSync(join(folder, "index.html"))) return undefined;
  return new Map(files.map(([path, name, type]) => [path, { type, body: readFileSync(join(folder, name)) }]));
}

/** What a page cannot say of itself, beside its policy, which stands in it. */
export function pageHeaders(type: string, bytes: number): Record<string, string> {
  return {
    "Content-Type": type,
    "Content-Length": String(bytes),
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
  };
}
