import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Hono } from "hono";

const files = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/demo.js": ["demo.js", "text/javascript; charset=utf-8"],
} as const;

/** The demo page, which the build puts into `demo/` beside the server's file. */
export function createDemoPage(): Hono {
  const page = new Hono();
  for (const [path, [file, type]] of Object.entries(files)) {
    page.get(path, async (context) => {
      const content = await readFile(fileURLToPath(new URL(`demo/${file}`, import.meta.url)), "utf8");
      return context.body(content, 200, { "Content-Type": type });
    });
  }
  return page;
}
