import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { repository } from "../../support/markdown.ts";

// Older versions keep what a hostile client sends without bound: fragments of a WebSocket message, and announced
// binary attachments. A package may bring a copy of its own, so each is looked up from where it is used.
test.each([
  ["ws", "8.21.0", ["socket.io", "engine.io"]],
  ["ws", "8.21.0", ["socket.io", "socket.io-adapter"]],
  ["ws", "8.21.0", ["socket.io-client", "engine.io-client"]],
  ["ws", "8.21.0", []],
  ["socket.io-parser", "4.2.6", ["socket.io"]],
  ["socket.io-parser", "4.2.6", []],
])("the installed %s is at least %s, by way of %j", (name, least, users) => {
  const version = versionOf(name, users);
  const [major] = least.split(".");
  expect(version.split(".")[0]).toBe(major);
  expect([least, version].toSorted((a, b) => a.localeCompare(b, "en", { numeric: true }))).toEqual([least, version]);
});

/** The version of a package as the last of `users` gets it, each of which is looked up from the one before it. */
function versionOf(name: string, users: readonly string[]): string {
  let entry = join(repository, "app/main.ts");
  for (const user of [...users, name]) entry = createRequire(entry).resolve(user);
  for (let folder = dirname(entry); folder !== dirname(folder); folder = dirname(folder)) {
    const file = join(folder, "package.json");
    if (!existsSync(file)) continue;
    const found = JSON.parse(readFileSync(file, "utf8")) as { readonly name?: string; readonly version?: string };
    if (found.name === name && found.version !== undefined) return found.version;
  }
  throw new Error(`expected a package.json of ${name} above ${entry}`);
}
