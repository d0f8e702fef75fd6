import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { connectChat } from "../support/chat.ts";
import { copyOfTheProject, ended, runScript } from "../support/npm-script.ts";
import { uniqueRoom } from "../support/unique.ts";
import { waitFor, withTimeout } from "../support/wait.ts";

test("npm run dev: an edit restarts the server; rooms keep their messages, and linked applications their types", {
  timeout: 150_000,
}, async () => {
  using copy = copyOfTheProject();
  const { child, has, url } = await runScript("dev", { cwd: copy.folder, drainSeconds: 0 });
  await using _ = child;
  const client = connectChat(url);
  await using _client = { [Symbol.asyncDispose]: () => client.close() };
  const room = client.join(uniqueRoom());
  const texts: string[] = [];
  const gaps: unknown[] = [];
  room.on("chat:message", ({ text }) => texts.push(text));
  room.on("gap", (gap) => gaps.push(gap));
  await withTimeout(room.ready, "the room");
  await withTimeout(room.publish("chat:message", { text: "before" }), "the first publish to be stored");

  const types = join(copy.folder, "client/dist/index.d.ts");
  await waitFor(() => existsSync(types), "the client's types to be built beside the server", 40_000);
  const keptTypes = join(copy.folder, "client/dist/kept.d.ts");
  writeFileSync(keptTypes, "export {};\n");

  appendFileSync(join(copy.folder, "client/src/index.ts"), "export type AddedInAnEdit = true;\n");
  await has('"msg":"listening"', 2);
  expect(existsSync(keptTypes), "types are not taken away by a build without them").toBe(true);
  await withTimeout(room.publish("chat:message", { text: "after" }), "the second publish to be stored", 20_000);
  await waitFor(() => texts.includes("after"), "the room to go on");
  expect(texts).toEqual(["before", "after"]);
  expect(gaps).toEqual([]);

  const newcomer = connectChat(url);
  await using _newcomer = { [Symbol.asyncDispose]: () => newcomer.close() };
  const read: string[] = [];
  newcomer.join(room.name, { history: 10 }).on("chat:message", ({ text }) => read.push(text));
  await waitFor(() => read.length >= 2, "the room's log");
  expect(read).toEqual(["before", "after"]);
  await waitFor(() => readFileSync(types, "utf8").includes("AddedInAnEdit"), "the types to follow the edit", 80_000);

  child.signal("SIGINT");
  await ended(child);
});
