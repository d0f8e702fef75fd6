import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { freePort } from "../support/free-port.ts";
import { startRedis } from "../support/redis-server.ts";
import { startServer } from "../support/server-process.ts";
import { uniquePrefix } from "../support/unique.ts";
import { only, parseDockerfile } from "./dockerfile.ts";

// There is no container engine on the machines that run this, so the image's few steps are done by hand.

const repository = fileURLToPath(new URL("../..", import.meta.url));
const read = (file: string) => readFile(join(repository, file), "utf8");
const image = parseDockerfile(await read("server/container/Dockerfile"));

test("the image is made of steps that this test can do by hand", () => {
  const names = image.map((instruction) => instruction.name);
  expect(names).toEqual(["FROM", "ENV", "WORKDIR", "COPY", "USER", "EXPOSE", "CMD"]);
});

test("the base is one exact image of a Node.js that the server supports", () => {
  const [, major] = /^node:(\d+)\.\d+\.\d+-bookworm-slim@sha256:[0-9a-f]{64}$/.exec(only(image, "FROM")) ?? [];
  expect(Number(major)).toBeGreaterThanOrEqual(20);
});

test("the server does not run as root, and cannot write to its own files", () => {
  expect(only(image, "USER")).toBe("node");
  expect(only(image, "COPY")).not.toContain("--chown");
});

test("nothing but the build output reaches the image, or the builder", async () => {
  const sources = only(image, "COPY").split(/\s+/).slice(0, -1);
  expect(sources).toEqual(["app/dist/"]);
  const ignored = (await read("server/container/Dockerfile.dockerignore")).split("\n");
  expect(ignored.filter((line) => line !== "" && !line.startsWith("#"))).toEqual(["*", "!app/dist"]);
});

test("done step by step in an empty folder, the image's command serves", async () => {
  const root = await mkdtemp(join(tmpdir(), "holdfast-image-"));
  try {
    const folder = join(root, only(image, "WORKDIR"));
    await mkdir(folder, { recursive: true });
    const [source = "", destination = ""] = only(image, "COPY").split(/\s+/);
    await cp(join(repository, source), join(folder, destination), { recursive: true });
    for (const file of await readdir(folder, { recursive: true })) {
      const { mode } = await stat(join(folder, file));
      expect(mode & 0o004, `${file} to be readable for everybody`).not.toBe(0);
    }

    const [name = "", value = ""] = only(image, "ENV").split("=");
    const [command, entry = ""] = JSON.parse(only(image, "CMD")) as string[];
    expect(command).toBe("node");
    await using redis = await startRedis();
    await using server = await startServer({
      cwd: folder,
      entry,
      port: await freePort(),
      env: { [name]: value, REDIS_URL: redis.url, AUTH: "anonymous", ALLOWED_ORIGINS: "*", KEY_PREFIX: uniquePrefix() },
    });
    expect(await server.healthStatus()).toBe(200);
    expect(await server.stop()).toEqual({ code: 0, signal: null });
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

test("the exposed port is the one on which the server listens by default", async () => {
  expect(only(image, "EXPOSE")).toBe("9000");
  expect(await read("server/container/s.yaml")).toMatch(/^ +port: 9000$/m);
});
