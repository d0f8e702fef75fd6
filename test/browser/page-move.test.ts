import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readServiceFile, startFunctionCompute } from "../function-compute/index.ts";
import { readStaticPage } from "../function-compute/static-page.ts";
import { launchChromium } from "../support/browser.ts";
import { chromiumInstalled } from "../support/installed.ts";
import { ManagedProcess } from "../support/managed-process.ts";
import { startRedis } from "../support/redis-server.ts";
import { startServer } from "../support/server-process.ts";
import { uniqueRoom } from "../support/unique.ts";
import { Tab } from "./page-rig.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const builtPage = join(repository, "app/page/dist");

describe.runIf(chromiumInstalled)("the page as static files", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  test("shows under the emulator who serves it, the time that is left, and the move before that is over", async () => {
    await using redis = await startRedis();
    const given = { REDIS_URL: redis.url, AUTH: "anonymous", ALLOWED_ORIGINS: "*", VPC_ID: "-", VSWITCH_ID: "-" };
    const file = readServiceFile("s.yaml", { ...given, SECURITY_GROUP_ID: "-" }, { timeout: 8 });
    const settings = { ...file.settings, minInstances: 2 };
    const { command, workingDirectory } = file;
    await using fc = await startFunctionCompute({
      settings,
      command,
      workingDirectory,
      page: readStaticPage(builtPage),
    });
    const room = uniqueRoom();
    const ann = await Tab.open(browser, `${fc.url}/?name=Ann#${room}`);
    const bo = await Tab.open(browser, `${fc.url}/?name=Bo#${room}`);
    const instance = ann.page.locator(".served .instance");
    await instance.waitFor();
    expect(fc.instances().map(({ id }) => id)).toContain(await instance.textContent());
    await ann.page.locator(".ring strong", { hasText: /^[1-8] s$/ }).waitFor();
    await ann.page.locator("#move", { hasText: /^Moved to c-\w+ in .*s before the cut$/ }).waitFor();
    await ann.page.locator(".journey .moved").first().waitFor();
    await ann.say("after the move");
    await bo.hears("after the move");
    expect((await ann.counts()).slice(1)).toEqual(["0", "0"]);
    expect(fc.counts().cuts).toBe(0);
    for (const tab of [ann, bo]) expect(tab.errors).toEqual([]);
  });

  test("connects from an origin of its own to the server that it was built for, and keeps what waits over a reload", async () => {
    await using redis = await startRedis();
    const folder = await mkdtemp(join(tmpdir(), "holdfast-page-"));
    const host = createServer(({ url = "/" }, response) => {
      const asked = files?.get(url.split("?", 1)[0] ?? "");
      response.writeHead(asked === undefined ? 404 : 200, { "content-type": asked?.type ?? "text/plain" });
      response.end(asked?.body);
    });
    await new Promise<void>((resolve) => host.listen(0, "127.0.0.1", resolve));
    const origin = `http://127.0.0.1:${(host.address() as AddressInfo).port}`;
    const env = { REDIS_URL: redis.url, DRAIN_SECONDS: "0", ALLOWED_ORIGINS: origin };
    const server = await startServer({ env });
    await using build = new ManagedProcess({
      command: process.execPath,
      args: ["scripts/page.mjs", "--server", server.url, "--out", folder],
      env: { PATH: process.env.PATH },
      cwd: repository,
    });
    expect(await build.exit).toEqual({ code: 0, signal: null });
    const files = readStaticPage(folder);
    expect(files?.get("/")?.body.toString()).toContain(
      `connect-src ${server.url} ${server.url.replace("http", "ws")};`,
    );

    const room = uniqueRoom();
    const tab = await Tab.open(browser, `${origin}/#${room}`);
    await tab.say("from elsewhere");
    await tab.hears("from elsewhere");
    expect(tab.errors).toEqual([]);
    await server.kill();
    await tab.isAway();
    await tab.say("written before the reload");
    await tab.page.locator(".waiting").waitFor();
    await tab.page.reload();
    await tab.page.locator("#said", { hasText: "1 message waiting to go out" }).waitFor();
    await using _again = await startServer({ env, port: server.port });
    await tab.hears("written before the reload");
    expect(await tab.texts()).toEqual(["from elsewhere", "written before the reload"]);
    host.close();
    host.closeAllConnections();
    await rm(folder, { recursive: true });
  });
});
