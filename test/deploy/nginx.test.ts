import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { gather } from "../end-to-end/crowd.ts";
import { freePort } from "../support/free-port.ts";
import { nginxInstalled } from "../support/installed.ts";
import { startInstances } from "../support/instances.ts";
import { startNginxWith } from "../support/nginx.ts";
import { waitFor } from "../support/wait.ts";

const recipe = await readFile(new URL("../../docs/deploy/compose/nginx.conf", import.meta.url), "utf8");

/** The recipe's nginx in front of servers on this machine: only addresses and the folders of its own files differ. */
async function startRecipe(servers: readonly string[]) {
  const port = await freePort();
  const conf = servers
    .reduce((text, server, index) => text.replace(`holdfast-${index + 1}:9000`, server), recipe)
    .replace("listen 8080", `listen 127.0.0.1:${port}`)
    .replace("http {", "http {\n  access_log off;");
  return startNginxWith(conf, `http://127.0.0.1:${port}`);
}

test.runIf(nginxInstalled)("behind the recipe's nginx an instance is replaced, and nobody notices", async () => {
  await using instances = await startInstances(2, { env: { DRAIN_SECONDS: "20" } });
  await using nginx = await startRecipe(instances.servers.map(({ port }) => `127.0.0.1:${port}`));
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
