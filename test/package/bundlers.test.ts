import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { besidePacked, type Packed } from "../support/beside-packed.ts";
import { launchChromium } from "../support/browser.ts";
import { freePort } from "../support/free-port.ts";
import { chromiumInstalled } from "../support/installed.ts";
import { ManagedProcess } from "../support/managed-process.ts";
import { namedExamples, read } from "../support/markdown.ts";
import { npmInstall, run } from "../support/packed.ts";
import { type ServerProcess, startServer } from "../support/server-process.ts";
import { waitFor } from "../support/wait.ts";

// The packed client in a page: as it is, and through what applications are bundled with. npm asks its registry for those.

const files = namedExamples(read("docs/recipes/in-a-page.md"));
const html = (script: string) =>
  `<!doctype html><meta charset="utf-8"><title>Bundled</title><ul></ul><script type="module" src="${script}"></script>`;

/** What is run in the folder of the application, and the folder of pages that it leaves. */
const bundlers: Readonly<Record<string, { readonly commands: readonly string[]; readonly pages: string }>> = {
  "no bundler": { commands: [], pages: "." },
  esbuild: { commands: ["npx esbuild page.ts --bundle --format=esm --outfile=esbuild/page.js"], pages: "esbuild" },
  Vite: { commands: ["npx vite build vite --outDir ../vite-out --base ./"], pages: "vite-out" },
  webpack: {
    commands: [
      "npx esbuild page.ts --format=esm --outfile=webpack/source.js",
      "npx webpack --mode production --entry ./webpack/source.js --output-path webpack-out --output-filename page.js",
    ],
    pages: "webpack-out",
  },
};

const types: Readonly<Record<string, string>> = { ".js": "text/javascript", ".html": "text/html" };

/** Serves the files of a folder. */
async function servePages(folder: string): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((request, response) => {
    const path = request.url === "/" ? "/index.html" : (request.url ?? "");
    readFile(join(folder, path)).then(
      (body) => response.setHeader("content-type", types[extname(path)] ?? "text/plain").end(body),
      () => response.writeHead(path === "/favicon.ico" ? 204 : 404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe.runIf(chromiumInstalled)("the packed client in a browser", () => {
  let packed: Packed;
  let server: ServerProcess;
  let browser: Browser;
  let folder: string;
  const write = (name: string, text: string) =>
    writeFile(join(folder, name), text.replaceAll("http://localhost:9000", server.url));

  beforeAll(async () => {
    [packed, server, browser] = await Promise.all([besidePacked(), startServer(), launchChromium()]);
    folder = packed.folder;
    await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module", private: true }));
    const tools = ["esbuild", "vite", "webpack", "webpack-cli", "next", "react", "react-dom", "zod", "typescript"];
    await npmInstall(folder, [packed.client, ...tools, "@types/react", "@types/node"]);
    for (const name of ["esbuild", "vite", "webpack", "webpack-out", "app"]) await mkdir(join(folder, name));
    for (const [name, text] of Object.entries(files)) await write(name, text);
    await write("esbuild/index.html", html("./page.js"));
    await write("webpack-out/index.html", html("./page.js"));
    await write("vite/index.html", html("../page.ts"));
    await cp(join(folder, "node_modules/@holdfast/client/dist"), join(folder, "holdfast"), { recursive: true });
  }, 240_000);
  afterAll(async () => {
    await browser?.close();
    await server?.kill();
    await packed?.[Symbol.asyncDispose]();
  });

  /** Opens a page that shows a text, and complains of nothing. */
  async function shows(url: string, text: string, title = /^/): Promise<void> {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    await page.goto(url);
    await page.getByRole("listitem").getByText(text).first().waitFor();
    expect(await page.title()).toMatch(title);
    await page.close();
    expect(complaints).toEqual([]);
  }

  test.each(Object.entries(bundlers))(
    "%s: a page joins, publishes and shows",
    async (name, { commands, pages }) => {
      for (const command of commands) await run("bash", ["-ec", command], folder);
      await using site = await servePages(join(folder, pages));
      await shows(site.url, name === "no bundler" ? "hello from a page" : "hello from a bundle");
    },
    120_000,
  );

  test("Next.js: a component with hooks is rendered on the server, and joins in the browser", async () => {
    await write("app/page.tsx", `import { Chat } from "../chat.tsx";\nexport default Chat;\n`);
    await write(
      "app/layout.tsx",
      `export default function Layout({ children }) {\n  return <html lang="en"><head><link rel="icon" href="data:," /></head><body>{children}</body></html>;\n}\n`,
    );
    await write("next.config.mjs", "export default { typescript: { ignoreBuildErrors: true } };\n");
    await run("bash", ["-ec", "NEXT_TELEMETRY_DISABLED=1 npx next build"], folder);
    const port = await freePort();
    await using _site = new ManagedProcess({
      command: process.execPath,
      args: ["node_modules/next/dist/bin/next", "start", "-p", String(port)],
      env: { PATH: process.env.PATH, NEXT_TELEMETRY_DISABLED: "1" },
      cwd: folder,
      group: true,
    });
    const url = `http://127.0.0.1:${port}`;
    await waitFor(async () => (await fetch(url).catch(() => undefined))?.ok === true, "Next.js to serve", 60_000);
    expect(await (await fetch(url)).text()).toContain("<ul>");
    await shows(url, "hello from a page");
  }, 240_000);

  test("React 18: the same component joins under StrictMode", async () => {
    const older = join(folder, "react-18");
    await mkdir(older);
    await writeFile(join(older, "package.json"), JSON.stringify({ type: "module", private: true }));
    await npmInstall(older, [packed.client, "react@18", "react-dom@18"]);
    await write("react-18/chat.tsx", files["chat.tsx"] ?? "");
    await write(
      "react-18/page.tsx",
      `import { StrictMode, version } from "react";
import { createRoot } from "react-dom/client";
import { Chat } from "./chat.tsx";
document.title = version;
const container = document.createElement("main");
document.body.append(container);
createRoot(container).render(<StrictMode><Chat /></StrictMode>);
`,
    );
    await write("react-18/index.html", html("./page.js"));
    await run("bash", ["-ec", "npx esbuild page.tsx --bundle --format=esm --jsx=automatic --outfile=page.js"], older);
    await using site = await servePages(older);
    await shows(site.url, "hello from a page", /^18\./);
  }, 120_000);
});
