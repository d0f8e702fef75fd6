import { access, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { besidePacked, type Packed } from "../support/beside-packed.ts";
import { startRig } from "../support/client-rig.ts";
import { ManagedProcess } from "../support/managed-process.ts";
import { npmInstall, repository, run } from "../support/packed.ts";
import { uniqueRoom } from "../support/unique.ts";
import { waitFor, withTimeout } from "../support/wait.ts";

// `holdfast` from the packed package, as `npx` runs it. npm asks its registry for what it lacks.

let packed: Packed;
beforeAll(async () => {
  packed = await besidePacked();
  await writeFile(join(packed.folder, "package.json"), JSON.stringify({ name: "stranger", private: true }));
  await npmInstall(packed.folder, [packed.client]);
}, 240_000);
afterAll(async () => {
  await packed[Symbol.asyncDispose]();
});

const holdfast = (...args: string[]) => run("npx", ["--no-install", "holdfast", ...args], packed.folder);
const at = (...path: string[]) => join(packed.folder, ...path);

test("what init writes is an application with the name of its folder, whose README says how to go on", async () => {
  const said = await holdfast("init", "My Poll");
  expect(said).toContain("npm start");
  expect((await readdir(at("My Poll"))).sort()).toEqual([
    ".gitignore",
    "README.md",
    "build.mjs",
    "contract.ts",
    "index.html",
    "main.ts",
    "package.json",
    "page.ts",
    "s.yaml",
    "tsconfig.json",
  ]);
  const manifest = JSON.parse(await readFile(at("My Poll", "package.json"), "utf8"));
  expect(manifest).toMatchObject({ name: "my-poll", dependencies: { "@holdfast/server": "^0.1.0" } });
  expect(await readFile(at("My Poll", "index.html"), "utf8")).toContain("<title>my-poll</title>");
  expect(await readFile(at("My Poll", "README.md"), "utf8")).toContain("npm start");
});

test("init leaves a folder alone that is not empty, and says so", async () => {
  await mkdir(at("taken"));
  await writeFile(at("taken", "notes.txt"), "mine");
  await expect(holdfast("init", "taken")).rejects.toThrow(/taken is not empty \(it holds notes\.txt\).*new or empty/s);
  expect(await readdir(at("taken"))).toEqual(["notes.txt"]);
  await expect(holdfast("init", "taken/notes.txt")).rejects.toThrow("is a file");
});

test("init without a folder, and a command that does not exist, are refused with the next step", async () => {
  await expect(holdfast("init")).rejects.toThrow("holdfast init my-app");
  await expect(holdfast("inti", "x")).rejects.toThrow("Did you mean `holdfast init`?");
  await expect(access(at("x"))).rejects.toThrow("ENOENT");
});

test("the other commands talk to a server, and end with the codes that they promise", async () => {
  const { version } = await import("../../client/package.json", { with: { type: "json" } }).then((it) => it.default);
  expect((await holdfast("--version")).trim()).toBe(version);
  await using rig = await startRig({ env: { DRAIN_SECONDS: "0" } });
  const url = rig.servers[0]?.url ?? "";
  const room = uniqueRoom();
  const say = (text: string) => holdfast("publish", room, "chat:message", JSON.stringify({ text }), "--url", url);
  const position = (await say("hello")).trim();
  expect(position).toMatch(/^\d+-\d+$/);
  expect(JSON.parse(await holdfast("members", room, "--url", url, "--json"))).toMatchObject({ count: 0, members: [] });
  expect(await holdfast("doctor", url)).toMatch(/^ok +admission +a client is admitted/m);
  expect(await holdfast("bench", url, "--clients", "2", "--seconds", "2")).toMatch(
    /^lost 0, repeated 0, disordered 0/m,
  );
  const secret = "a secret of the packed command line";
  expect(await holdfast("token", "--user", "ann", "--secret", secret)).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);

  const codeOf = async (...args: string[]): Promise<unknown> => {
    const failure: unknown = await holdfast(...args).catch((error: unknown) => error);
    return failure instanceof Error && Object(failure.cause).code;
  };
  expect(await codeOf("publish", room, "chat:nothing", "1", "--url", url)).toBe(1);
  expect(await codeOf("publish", room)).toBe(2);
  expect(await codeOf("members", room, "--url", "http://127.0.0.1:1")).toBe(3);

  const { PATH, HOME } = process.env;
  const shell = (line: string) => {
    const env = { PATH: `${at("node_modules", ".bin")}:${PATH}`, HOME, HOLDFAST_URL: url };
    return new ManagedProcess({ command: "bash", args: ["-o", "pipefail", "-c", line], env, group: true });
  };
  await using listening = shell(`exec holdfast listen ${room} --history 1 --json`);
  await waitFor(() => listening.output.includes(position), "the message of the log");
  listening.signal("SIGINT");
  expect(await withTimeout(listening.exit, "listen to end")).toEqual({ code: 0, signal: null });

  // Whoever reads only the beginning is no failure.
  await using piped = shell(`holdfast listen ${room} --history 1 | head -n 1`);
  await waitFor(async () => piped.ended !== undefined || ((await say("again")) && false), "the pipe to end", 60_000);
  expect(piped.ended, piped.output).toEqual({ code: 0, signal: null });
  expect(piped.output).not.toMatch(/EPIPE|Error/);
}, 180_000);

test("init's s.yaml deploys as this repository's does, but for names and the folder of the build", async () => {
  const read = async (file: string) => parse(await readFile(join(repository, file), "utf8"));
  const written = await read("client/src/cli/template/s.yaml");
  const own = await read("s.yaml");
  own.name = own.vars.functionName = "my-holdfast-app";
  own.resources.server.props.code = "./dist";
  own.resources.server.props.description = written.resources.server.props.description;
  expect(written).toEqual(own);
});
