import { expect, test } from "vitest";
import { ManagedProcess } from "../support/managed-process.ts";
import { read, repository } from "../support/markdown.ts";
import { type ServerProcess, startServer } from "../support/server-process.ts";
import { askData, connectStock } from "../support/stock-client.ts";
import { startRelay, type TcpRelay } from "../support/tcp-relay.ts";
import { messageId } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

/** Runs the README's example that imports a package, against another address. */
function runExample(packageName: string, port: number): ManagedProcess {
  const examples = [...read("README.md").matchAll(/^```js\n(.*?)^```/gms)].map(([, code = ""]) => code);
  const code = examples.find((example) => example.includes(`from "${packageName}"`));
  if (code === undefined) throw new Error(`expected an example with ${packageName} in README.md`);
  return new ManagedProcess({
    command: process.execPath,
    args: ["--input-type=module", "--eval", code.replace("http://localhost:9000", `http://127.0.0.1:${port}`)],
    env: { PATH: process.env.PATH },
    cwd: repository,
  });
}

/** Cuts the example's connection, and lets it come back when so many messages have been published. */
async function missMessages(relay: TcpRelay, server: ServerProcess, count: number): Promise<void> {
  relay.cutAll({ reset: true });
  relay.blackhole();
  using publisher = await connectStock(server.url);
  const texts = Array.from({ length: count }, (_, index) => `missed-${index}`);
  await Promise.all(
    texts.map((text) =>
      askData(publisher, "message:publish", { room: "lobby", id: messageId(), event: "chat:message", data: { text } }),
    ),
  );
  relay.heal();
}

test.each([
  ["shows all of 700 missed messages in order", {}, 0],
  ["says that something may be lost where the log has not kept all of them", { HISTORY_MAX_MESSAGES: "200" }, 1],
])("the example for stock socket.io-client %s", async (_what, env, losses) => {
  await using server = await startServer({ env });
  await using relay = await startRelay(server.port);
  await using example = runExample("socket.io-client", relay.port);
  await waitFor(() => /^[\d-]+ .*hello/m.test(example.output), "the example to show its own message");
  await missMessages(relay, server, 700);
  await waitFor(() => example.output.includes("missed-699"), "the example to show the last message");

  const shown = [...example.output.matchAll(/missed-(\d+)/g)].map(([, index]) => Number(index));
  const first = shown[0] ?? 0;
  expect(shown).toEqual(Array.from({ length: 700 - first }, (_, index) => first + index));
  expect(first > 0).toBe(losses > 0);
  expect(example.output.match(/may be lost/g) ?? []).toHaveLength(losses);
});
