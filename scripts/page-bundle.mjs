// Bundles a page: its HTML with one script and one style sheet. As a text that holds both it is served by the server; as
// files it can be put wherever files are served.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { textOverWebSocket } from "./client-bundle.mjs";

const scriptTag = /<script type="module" src="([^"]+)"><\/script>/;
const styleTag = /<link rel="stylesheet" href="([^"]+)" \/>/;
const serverTag = /(<meta name="holdfast-server" content=")[^"]*(" \/>)/;

async function bundle(path) {
  const html = readFileSync(path, "utf8");
  const textOf = async (tag) => {
    const [, source] = tag.exec(html) ?? [];
    if (source === undefined) return undefined;
    const { outputFiles } = await build({
      entryPoints: [join(dirname(path), source)],
      bundle: true,
      write: false,
      minify: true,
      format: "esm",
      platform: "browser",
      target: "es2022",
      conditions: ["@holdfast/source"],
      legalComments: "none",
      logLevel: "warning",
      plugins: [textOverWebSocket],
    });
    return outputFiles[0].text;
  };
  const [script, style] = await Promise.all([textOf(scriptTag), textOf(styleTag)]);
  // What explains the page to its authors is not for its readers.
  return { html: html.replace(/^ *<!--.*-->\n/gm, ""), script, style };
}

/** One text: the server knows script and style by their hashes. */
export async function pageAsText(path) {
  const { html, script, style } = await bundle(path);
  // A closing tag within a text of the script would end it.
  const code = script?.replaceAll("</script", "<\\/script");
  return html
    .replace(scriptTag, () => `<script type="module">${code}</script>`)
    .replace(styleTag, () => `<style>${style}</style>`);
}

/** Three files by name. `server` is the origin to connect to; without one it is the origin that serves the page. */
export async function pageAsFiles(path, server = "") {
  const { html, script = "", style = "" } = await bundle(path);
  const policy = `<meta http-equiv="Content-Security-Policy" content="${contentPolicy(server)}" />`;
  const index = html
    .replace('<meta charset="utf-8" />', (charset) => `${charset}\n    ${policy}`)
    .replace(serverTag, (_, before, after) => before + server + after)
    .replace(scriptTag, '<script type="module" src="page.js"></script>')
    .replace(styleTag, '<link rel="stylesheet" href="page.css" />');
  return { "index.html": index, "page.js": script, "page.css": style };
}

/** What the server's own policy says (`server/src/http/page-headers.ts`), as far as a page can say it of itself. */
function contentPolicy(server) {
  const connections = server === "" ? "'self'" : `${server} ${server.replace(/^http/, "ws")}`;
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    `connect-src ${connections}`,
    "base-uri 'none'",
    "form-action 'self'",
  ].join("; ");
}

/** For esbuild: an imported page is its text. */
export const pages = {
  name: "pages",
  setup(build_) {
    build_.onLoad({ filter: /\.html$/ }, async ({ path }) => ({ contents: await pageAsText(path), loader: "text" }));
  },
};
