import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { ManagedProcess } from "./managed-process.ts";
import { waitFor } from "./wait.ts";

export interface Nginx extends AsyncDisposable {
  readonly url: string;
}

/** An nginx of one's own on loopback. */
export async function startNginx(server: string): Promise<Nginx> {
  const port = await freePort();
  const http = `http { access_log off; server { listen 127.0.0.1:${port}; ${server} } }`;
  return startNginxWith(`events {} ${http}`, `http://127.0.0.1:${port}`);
}

/** The same with a whole configuration; resolves when anything answers at the address. */
export async function startNginxWith(conf: string, url: string): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-nginx-"));
  const own = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  const text = `daemon off; pid ${folder}/pid; error_log stderr;\n${conf.replace("http {", `http { ${own.join(" ")}`)}`;
  await writeFile(join(folder, "nginx.conf"), text);
  // Its workers end with it.
  const args = ["-c", join(folder, "nginx.conf")];
  const nginx = new ManagedProcess({ command: "nginx", args, env: process.env, group: true });
  await waitFor(async () => {
    await (await fetch(`${url}/healthz`, { redirect: "manual" })).arrayBuffer();
    return true;
  }, `nginx to answer (${folder})`);
  return {
    url,
    async [Symbol.asyncDispose]() {
      await nginx[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}
