import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../support/free-port.ts";
import { namedExamples, read, repository } from "../support/markdown.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { uniquePrefix } from "../support/unique.ts";
import { waitFor, withTimeout } from "../support/wait.ts";
import { RecipeFolder, recipePages } from "./recipe.ts";

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  await redis[Symbol.asyncDispose]();
});

/** What the client of each recipe prints, in this order. */
const printed: Readonly<Record<string, readonly RegExp[]>> = {
  "recipes/notify-a-user.md": [/^order 4711 is paid \(\d+-\d+\)$/],
  "recipes/show-who-is-here.md": [/^Ann is here$/, /^Bo is here$/, /^Bo is at line 7$/, /^Bo left, 1 here$/],
  "recipes/load-older-messages.md": [/^line 16 to line 25$/, /^line 6 to line 25$/, /^line 1 to line 25$/],
  "recipes/moderate.md": [/^ann: Oh \*\*\*\*$/, /^FORBIDDEN: you are muted$/],
  "recipes/ask-the-application.md": [/^the answer: noodles$/, /^everybody is told: noodles$/],
  "recipes/state-of-your-own.md": [
    /^loaded {"a":"written before"}$/,
    /^changed {"a":"written before","b":"written live"}$/,
  ],
  "recipes/from-socket-io.md": [/^[\w-]{4}: hello \(\d+-\d+\)$/],
  "recipes/from-pusher.md": [/^It rains$/],
  "recipes/from-ably.md": [/^missed: two$/],
};

const applications = recipePages.filter((page) => "client.ts" in namedExamples(read(`docs/${page}`)));

test("every recipe that has a client for Node.js is run here", () => {
  expect(Object.keys(printed).toSorted()).toEqual(applications.toSorted());
});

test.each(Object.entries(printed))("%s does what it says", { timeout: 60_000 }, async (page, lines) => {
  using folder = new RecipeFolder();
  const port = await freePort();
  const names = folder.writePage(page, port);
  const env = { REDIS_URL: redis.url, KEY_PREFIX: uniquePrefix(), PORT: String(port), DRAIN_SECONDS: "0" };
  await using server = folder.run("main.ts", env);
  const isReady = () => fetch(`http://127.0.0.1:${port}/readyz`).then(({ ok }) => ok);
  await waitFor(async () => server.ended !== undefined || (await isReady().catch(() => false)), "the server", 30_000);
  await using client = folder.run("client.ts", env);
  if (names.includes("notify.ts")) {
    await using backEnd = folder.run("notify.ts", env);
    expect(await withTimeout(backEnd.exit, "the back end", 20_000), backEnd.output).toEqual({ code: 0, signal: null });
  }
  expect(await withTimeout(client.exit, "the client", 30_000), client.output).toEqual({ code: 0, signal: null });
  const output = client.output.trim().split("\n");
  expect(output).toEqual(lines.map((line) => expect.stringMatching(line)));
});

test("the script of the first five minutes prints what the page says", { timeout: 60_000 }, async () => {
  using folder = new RecipeFolder();
  folder.writePage("five-minutes.md");
  await using script = folder.run("promise.ts", { NODE_NO_WARNINGS: "1" });
  expect(await withTimeout(script.exit, "the script", 40_000), script.output).toEqual({ code: 0, signal: null });
  const [, said] = /```text\n(.*?)```/s.exec(read("docs/five-minutes.md")) ?? [];
  expect(script.output).toBe(said);
});

test("every file of every recipe compiles in strict mode", { timeout: 120_000 }, () => {
  using folder = new RecipeFolder();
  for (const page of recipePages) {
    mkdirSync(join(folder.path, page), { recursive: true });
    for (const [name, text] of Object.entries(namedExamples(read(`docs/${page}`)))) {
      folder.write(join(page, name), text);
    }
  }
  const options = {
    noEmit: true,
    module: "preserve",
    moduleResolution: "bundler",
    types: ["node"],
    lib: ["es2023", "dom", "esnext.disposable"],
  };
  folder.write(
    "tsconfig.json",
    JSON.stringify({
      extends: join(repository, "tsconfig.json"),
      compilerOptions: { ...options, typeRoots: [join(repository, "node_modules/@types")] },
      include: ["**/*.ts", "**/*.tsx"],
      files: [join(repository, "server/src/text-modules.d.ts")],
    }),
  );
  const { stdout, status } = spawnSync(
    join(repository, "node_modules/typescript-native/bin/tsc"),
    ["-p", folder.path],
    {
      encoding: "utf8",
    },
  );
  expect(stdout).toBe("");
  expect(status).toBe(0);
});
