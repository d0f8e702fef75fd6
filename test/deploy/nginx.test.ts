import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { gather } from "../end-to-end/crowd.ts";
import { freePort } from "../support/free-port.ts";
import { nginxInstalled } from "../support/installed.ts";
import { startInstances } from "../support/instances.ts";
import { ManagedProcess } from "../support/managed-process.ts";
import { waitFor } from "../support/wait.ts";

const recipe = await readFile(new URL("../../docs/deploy/compose/nginx.conf", import.meta.url), "utf8");

/** The recipe's nginx in front of servers on this machine: only addresses and the folders of its own files differ. */
async function startNginx(servers: readonly string[]) {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-nginx-"));
  const port = await freePort();
  const own = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  const conf = servers
    .reduce((text, server, index) => text.replace(`holdfast-${index + 1}:9000`, server), recipe)
    .replace("listen 8080", `listen 127.0.0.1:${port}`)
    .replace("http {", `http {\n  access_log off;\n  ${own.join(" ")}`);
  await writeFile(join(folder, "nginx.conf"), `daemon off; pid ${folder}/pid; error_log stderr;\n${conf}`);
  // Its workers end with it.
  const args = ["-c", join(folder, "nginx.conf")];
  const nginx = new ManagedProcess({ command: "nginx", args, env: process.env, group: true });
  const url = `http://127.0.0.1:${port}`;
  await waitFor(
    async () => (await fetch(`${url}/healthz`).catch(() => undefined))?.ok === true,
    `nginx to pass on /healthz (${folder})`,
  );
  return {
    url,
    async [Symbol.asyncDispose]() {
      await nginx[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

test.runIf(nginxInstalled)("behind the recipe's nginx an instance is replaced, and nobody notices", async () => {
  await using instances = await startInstances(2, { env: { DRAIN_SECONDS: "20" } });
  await using nginx = await startNginx(instances.servers.map(({ port }) => `127.0.0.1:${port}`));
  await using crowd = await gather(nginx.url, 12);
  const [first] = instances.servers;
  if (first === undefined) throw new Error("expected a server");
  let sent = 0;
  let isGone = false;
  const published: Promise<unknown>[] = [];
  first.signal("SIGTERM");
  void first.exit.then(() => {
    isGone = true;
  });
  await waitFor(
    () => {
      published.push(crowd.first.room.publish("chat:message", { text: String(sent) }));
      sent += 1;
      return isGone;
    },
    "the instance to end",
    25_000,
  );
  await Promise.all(published);
  const texts = Array.from({ length: sent }, (_, index) => String(index));
  for (const { recording, statuses } of crowd.members) {
    await waitFor(() => recording.messages.length >= sent, "every member to have every message");
    expect(recording.texts()).toEqual(texts);
    expect(recording.gaps).toEqual([]);
    expect(statuses, statuses.join(" ")).not.toContain("reconnecting");
  }
});
