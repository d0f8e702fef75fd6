import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { connect } from "@holdfast/client";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { besidePacked, type Packed } from "../support/beside-packed.ts";
import { launchChromium } from "../support/browser.ts";
import { freePort } from "../support/free-port.ts";
import { chromiumInstalled } from "../support/installed.ts";
import { ManagedProcess } from "../support/managed-process.ts";
import { examplesUnder, namedExamples, read } from "../support/markdown.ts";
import { run } from "../support/packed.ts";
import { waitFor, withTimeout } from "../support/wait.ts";

// What the README tells a new user to type, typed. npm asks its registry for what it lacks.

const readme = read("README.md");
const [clone = "", short = ""] = examplesUnder(readme, "## Use it from an application", "sh");
const [install = "", start = ""] = examplesUnder(readme, "### By hand", "sh");
const files = namedExamples(readme);

let packed: Packed;
/** Holds the clone, with what it has packed, and the user's applications. */
let home: string;
beforeAll(async () => {
  packed = await besidePacked();
  home = packed.folder;
  await mkdir(join(home, "holdfast"));
  for (const tarball of [packed.client, packed.server]) {
    await copyFile(tarball, join(home, "holdfast", basename(tarball)));
  }
}, 120_000);
afterAll(async () => {
  await packed[Symbol.asyncDispose]();
});

/** In a shell that stops at the first failure. */
const type = (commands: string, folder: string) => run("bash", ["-ec", commands], folder);
const lines = (text: string) => text.split("\n").filter((line) => line.trim() !== "");

test("the short way writes an application from the packed files, which installs, type-checks, starts, serves its page and lets two clients talk", async () => {
  expect(clone).toContain("npm pack -w client -w server");
  expect(short).toContain("npm start");
  await type(short.replace("npm start", "npm run check"), join(home, "holdfast"));
  const folder = join(home, "my-app");
  const manifest = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  expect(Object.keys(manifest.dependencies)).toContain("@holdfast/server");

  const port = await freePort();
  const { PATH, HOME } = process.env;
  await using app = new ManagedProcess({
    command: "npm",
    args: ["start"],
    env: { PATH, HOME, npm_config_update_notifier: "false", PORT: String(port), DRAIN_SECONDS: "0" },
    cwd: folder,
    group: true,
  });
  const isThere = () => app.ended !== undefined || app.output.includes('"msg":"listening"');
  await waitFor(isThere, "the application to listen", 60_000);
  expect(app.ended, app.output).toBeUndefined();

  const url = `http://127.0.0.1:${port}`;
  const page = await (await fetch(url)).text();
  expect(page).toContain("<title>my-app</title>");
  expect(page).toMatch(/<script type="module">.{1000}/s);
  expect(page).not.toContain("page.ts");
  await talk(url);
  app.signal("SIGINT");
  await withTimeout(app.exit, "the application to end", 20_000);
  // What is deployed is one file.
  expect(await readdir(join(folder, "dist"))).toEqual(["main.mjs"]);
}, 240_000);

/** Two clients, one message, and a refusal by the contract that `init` writes. */
async function talk(url: string): Promise<void> {
  const [ann, bob] = [connect(url), connect(url)];
  try {
    const room = bob.join("lobby");
    const heard = new Promise((resolve) => room.on("chat:message", resolve));
    await room.ready;
    await ann.join("lobby").publish("chat:message", { text: "hello" });
    expect(await withTimeout(heard, "the message to be heard")).toEqual({ text: "hello" });
    await expect(ann.join("lobby").publish("chat:message", { text: "" })).rejects.toThrow("text");
  } finally {
    await Promise.all([ann.close(), bob.close()]);
  }
}

test("an application by hand is at most 40 lines until an event of one's own is there", () => {
  const byHand = [install, files["contract.ts"], files["page.ts"], files["main.ts"], start];
  expect(byHand.flatMap((text = "") => lines(text)).length).toBeLessThanOrEqual(40);
});

test("an application by hand installs, type-checks, and talks in two tabs and from Node.js", async () => {
  const folder = join(home, "lunch");
  await mkdir(folder);
  await type(install, folder);
  const port = await freePort();
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(folder, name), text.replace("localhost:9000", `localhost:${port}`));
  }
  const [tsconfig = ""] = examplesUnder(readme, "### By hand", "json");
  await writeFile(join(folder, "tsconfig.json"), tsconfig);
  await type("npm install --save-dev --prefer-offline --no-audit typescript && npx tsc", folder);

  const { PATH, HOME } = process.env;
  await using server = new ManagedProcess({
    command: "bash",
    args: ["-ec", start],
    env: { PATH, HOME, PORT: String(port), DRAIN_SECONDS: "0" },
    cwd: folder,
    group: true,
  });
  await waitFor(() => server.ended !== undefined || server.output.includes("Next:"), "the server", 60_000);
  expect(server.output).toContain(`Next: open http://localhost:${port} in two tabs`);

  const talked = await type("npx tsx client.ts", folder);
  expect(talked).toMatch(/status: connected.*stored at \d+-\d+/s);
  if (chromiumInstalled) await voteInTwoTabs(`http://localhost:${port}`);
}, 240_000);

async function voteInTwoTabs(url: string): Promise<void> {
  const browser = await launchChromium();
  try {
    const open = async (): Promise<Page> => {
      const page = await browser.newPage();
      await page.goto(url);
      // From the log: the vote of the client in Node.js.
      await page.getByText("noodles").waitFor();
      return page;
    };
    const [ann, bob] = [await open(), await open()];
    await ann.fill("input", "dumplings");
    await ann.press("input", "Enter");
    await bob.getByText("dumplings").waitFor();
  } finally {
    await browser.close();
  }
}
