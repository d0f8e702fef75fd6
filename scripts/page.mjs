// Writes the application's page as static files, which connect to a server elsewhere.
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { fail, projectFolder } from "./project.mjs";

const usage = `npm run page -- --server https://rooms.example.com [--out dist/page]

Writes index.html, page.js and page.css, to be put wherever files are served. The page connects to the server that is named,
and to nothing else. The server lets it in when its ALLOWED_ORIGINS names the origin that the page comes from.`;

let values;
try {
  ({ values } = parseArgs({
    options: {
      server: { type: "string" },
      out: { type: "string", default: join(projectFolder, "dist/page") },
      help: { type: "boolean", default: false },
    },
  }));
} catch (error) {
  fail(`${error.message}\n\n${usage}`);
}
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const server = URL.canParse(values.server ?? "") ? new URL(values.server) : undefined;
if (!/^https?:$/.test(server?.protocol ?? "")) {
  fail(
    `--server: expected an address such as https://rooms.example.com, got ${values.server ?? "nothing"}\n\n${usage}`,
  );
}

const { pageAsFiles } = await import("./page-bundle.mjs");
const folder = resolve(process.env.INIT_CWD ?? ".", values.out);
mkdirSync(folder, { recursive: true });
for (const [name, text] of Object.entries(await pageAsFiles("app/page/index.html", server.origin))) {
  writeFileSync(join(folder, name), text);
}
console.log(`The page is in ${folder} and connects to ${server.origin}.`);
console.log(`Next: serve that folder, and start the server with the folder's origin in ALLOWED_ORIGINS.`);
