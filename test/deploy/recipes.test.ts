import { spawnSync } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import type { Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect } from "@holdfast/client";
import { expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { type Config, parseConfig } from "../../server/src/config.ts";
import { platforms } from "../../server/src/platforms/table.ts";
import { startRedis } from "../support/redis-server.ts";
import { startServer } from "../support/server-process.ts";
import { uniquePrefix, uniqueRoom } from "../support/unique.ts";

const folder = fileURLToPath(new URL("../../docs/deploy/", import.meta.url));
const read = (file: string) => readFile(join(folder, file), "utf8");

/** What a process may take to close what is left when its drain is over. */
const closingSeconds = 5;
const secrets = { REDIS_URL: "redis://redis:6379", TOKEN_SECRET: "s".repeat(32) };

function configOf(env: Readonly<Record<string, string>>): Config {
  const parsed = parseConfig(env);
  if ("port" in parsed) return parsed;
  throw new Error(`expected settings that the server takes, got ${JSON.stringify(parsed)}`);
}

test("Kubernetes probes paths that the server has, and waits for the pause, the drain and the close", async () => {
  const documents = parseAllDocuments(await read("kubernetes/holdfast.yaml")).map((document) => document.toJS());
  const deployment = documents.find(({ kind }) => kind === "Deployment");
  const { terminationGracePeriodSeconds, containers } = deployment.spec.template.spec;
  const [container] = containers;
  const env = Object.fromEntries(
    container.env.map(({ name, value }: { name: string; value: string }) => [name, value]),
  );
  const { drainSeconds } = configOf({ ...env, ...secrets });
  // Else clients that move would be sent to pods that go next.
  const build = container.env.find(({ name }: { name: string }) => name === "BUILD");
  expect(build.valueFrom.fieldRef.fieldPath).toBe("metadata.labels['pod-template-hash']");
  const pauseSeconds = Number(container.lifecycle.preStop.exec.command[1]);
  expect(pauseSeconds + drainSeconds + closingSeconds).toBeLessThanOrEqual(terminationGracePeriodSeconds);
  await using server = await startServer();
  expect((await fetch(`${server.url}${container.readinessProbe.httpGet.path}`)).status).toBe(200);
  expect(container.ports[0].containerPort).toBe(9000);
  for (const { kind, spec } of documents) {
    if (kind === "Service") expect(spec.selector).toEqual(deployment.spec.template.metadata.labels);
  }
});

test("Cloud Run's command has settings that the server takes, and a drain that fits its ten seconds", async () => {
  const own = await mkdtemp(join(tmpdir(), "holdfast-recipe-"));
  try {
    // Stands for the command line tool: it says how it was called.
    await writeFile(join(own, "gcloud"), `#!/bin/sh\nprintf '%s\\n' "$@"\n`);
    await chmod(join(own, "gcloud"), 0o755);
    const env = {
      PATH: `${own}:${process.env.PATH}`,
      IMAGE: "registry.example/holdfast:1",
      TOKEN_SECRET_NAME: "holdfast-token",
      REDIS_URL: secrets.REDIS_URL,
      ALLOWED_ORIGINS: "https://app.example,https://*.app.example",
    };
    const { stdout, status } = spawnSync("sh", [join(folder, "cloud-run/deploy.sh")], { env, encoding: "utf8" });
    expect(status).toBe(0);
    const words = stdout.split("\n");
    const after = (option: string) => words[words.indexOf(option) + 1] ?? "";
    const settings = Object.fromEntries(
      after("--set-env-vars")
        .replace("^|^", "")
        .split("|")
        .map((pair) => pair.split(/=(.*)/s) as [string, string]),
    );
    const config = configOf({ ...settings, TOKEN_SECRET: secrets.TOKEN_SECRET });
    expect(config.surroundings.lifetimeSeconds).toBe(Number(after("--timeout")));
    expect(config.allowedOrigins).toEqual(configOf({ ALLOWED_ORIGINS: env.ALLOWED_ORIGINS }).allowedOrigins);
    expect(config.drainSeconds + closingSeconds).toBeLessThan(10);
    expect(words).toContain("--no-session-affinity");
  } finally {
    await rm(own, { recursive: true });
  }
});

test("the file for Vercel exports a server that clients connect to, and says how long it lives", async () => {
  const { functions, env } = JSON.parse(await read("vercel/vercel.json"));
  expect(Number(env.FUNCTION_TIMEOUT_SECONDS)).toBe(functions["server.ts"].maxDuration);
  await using redis = await startRedis();
  const settings = { REDIS_URL: redis.url, KEY_PREFIX: uniquePrefix(), AUTH: "anonymous", ALLOWED_ORIGINS: "*" };
  const before = { ...process.env };
  Object.assign(process.env, env, settings);
  // As the platform does: the file is loaded, and what it exports is what answers.
  const { default: server }: { default: HttpServer } = await import("../../docs/deploy/vercel/server.ts");
  process.env = before;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = connect(url);
  const room = client.join(uniqueRoom());
  await room.ready;
  const told = new Promise((resolve) => room.on("chat:message", resolve));
  await room.publish("chat:message", { text: "hello" });
  expect(await told).toEqual({ text: "hello" });
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  await client.close();
  server.close();
});

test("the compose file starts two instances of the image behind the nginx of its folder", async () => {
  const { services } = parse(await read("compose/compose.yaml"), { merge: true });
  const nginx = await read("compose/nginx.conf");
  for (const name of ["holdfast-1", "holdfast-2"]) {
    const { environment, build, stop_grace_period } = services[name];
    expect(nginx).toContain(`server ${name}:9000`);
    await readFile(join(folder, "compose", build.context, build.dockerfile));
    const { drainSeconds } = configOf({ NODE_ENV: "production", ...environment });
    expect(Number.parseInt(stop_grace_period, 10)).toBeGreaterThan(drainSeconds + closingSeconds);
  }
  expect(services.nginx.volumes).toEqual(["./nginx.conf:/etc/nginx/nginx.conf:ro"]);
  const [, version = ""] = /^redis:(\d+\.\d+)-alpine$/.exec(services.redis.image) ?? [];
  expect(Number(version)).toBeGreaterThanOrEqual(7);
});

test("systemd waits for the drain", async () => {
  const unit = await read("systemd/holdfast.service");
  const [, drainSeconds] = /DRAIN_SECONDS=(\d+)/.exec(unit) ?? [];
  const [, stopSeconds] = /^TimeoutStopSec=(\d+)$/m.exec(unit) ?? [];
  expect(Number(stopSeconds)).toBeGreaterThan(Number(drainSeconds) + closingSeconds);
  expect(unit).toContain("ExecStart=/usr/bin/node /opt/holdfast/main.mjs");
});

test("every recipe and every platform that the server knows is in the table of the page", async () => {
  const page = await read("README.md");
  const { none: _, ...known } = platforms;
  for (const { title } of Object.values(known)) expect(page).toContain(`| ${title}`);
  for (const name of ["kubernetes", "cloud-run", "vercel", "compose", "systemd"]) expect(page).toContain(`](${name}/`);
});
