import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readServiceFile, startFunctionCompute } from "../function-compute/index.ts";
import { readStaticPage } from "../function-compute/static-page.ts";
import { launchChromium } from "../support/browser.ts";
import { chromiumInstalled, chromiumPath } from "../support/installed.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { startServer } from "../support/server-process.ts";
import { uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";
import { fillRoom, numbered, Tab } from "./page-rig.ts";

const builtPage = "app/page/dist";

/** The emulator with two instances of what s.yaml deploys, and the page in front of them. */
function startPlatform(redis: RedisServer, timeoutSeconds: number) {
  const given = { REDIS_URL: redis.url, AUTH: "anonymous", ALLOWED_ORIGINS: "*", VPC_ID: "-", VSWITCH_ID: "-" };
  const file = readServiceFile("s.yaml", { ...given, SECURITY_GROUP_ID: "-" }, { timeout: timeoutSeconds });
  const { command, workingDirectory } = file;
  const settings = { ...file.settings, minInstances: 2 };
  return startFunctionCompute({ settings, command, workingDirectory, page: readStaticPage(builtPage) });
}

const servedBy = async ({ page }: Tab) => (await page.locator(".served .instance").textContent()) ?? "";

/** Stops the processes in which a browser runs its pages, as a device does that sleeps; `SIGCONT` wakes them. */
async function signalPages(browser: Browser, signal: "SIGSTOP" | "SIGCONT"): Promise<void> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  const pages = processInfo.filter(({ type }) => type === "renderer");
  expect(pages.length).toBeGreaterThan(0);
  for (const { id } of pages) process.kill(id, signal);
}

describe.runIf(chromiumInstalled)("the page in bad weather", () => {
  let browser: Browser;
  let redis: RedisServer;
  beforeAll(async () => {
    [browser, redis] = await Promise.all([launchChromium(), startRedis()]);
  });
  afterAll(() => Promise.all([browser.close(), redis[Symbol.asyncDispose]()]));

  const env = () => ({ REDIS_URL: redis.url, DRAIN_SECONDS: "0" });

  test("three tabs over two instances go on when one of these is killed, and all show the same", async () => {
    await using fc = await startPlatform(redis, 120);
    const url = `${fc.url}/#${uniqueRoom()}`;
    const tabs = [];
    // The platform sends a connection anywhere: tabs are opened until both instances serve one.
    for (const spread = new Set<string>(); tabs.length < 3 || spread.size < 2; ) {
      const tab = await Tab.open(browser, url);
      const by = await servedBy(tab);
      if (tabs.length < 2 || spread.size === 2 || !spread.has(by)) tabs.push(tab);
      else await tab.close();
      spread.add(by);
    }
    const [ann, bo] = tabs as [Tab, Tab];
    await ann.say("before the kill");
    for (const tab of tabs) await tab.hears("before the kill");
    const killed = await servedBy(ann);
    const pid = fc.instances().find(({ id }) => id === killed)?.pid ?? expect.unreachable(`no process of ${killed}`);
    process.kill(pid, "SIGKILL");
    await bo.say("while one of them is gone");
    await ann.say("of the one that lost its instance");
    const expected = ["before the kill", "while one of them is gone", "of the one that lost its instance"];
    for (const tab of tabs) {
      await waitFor(
        async () => (await tab.texts()).length === 3 && (await tab.page.locator(".waiting").count()) === 0,
        "all",
      );
    }
    const shown = await ann.texts();
    expect(shown.toSorted()).toEqual(expected.toSorted());
    for (const tab of tabs) {
      expect(await tab.texts()).toEqual(shown);
      expect((await tab.counts()).at(-1), "gaps").toBe("0");
    }
    expect(await servedBy(ann)).not.toBe(killed);
  });

  test("a move leaves alone what is being typed, and where", async () => {
    await using fc = await startPlatform(redis, 8);
    const url = `${fc.url}/#${uniqueRoom()}`;
    const [ann, bo] = [await Tab.open(browser, `${url}`), await Tab.open(browser, url)];
    const moved = ann.page.locator("#move", { hasText: /^Moved to/ });
    let typed = "";
    await ann.page.locator("#text").focus();
    while (!(await moved.isVisible())) {
      typed += typed.length % 8 === 7 ? " " : "x";
      await ann.page.keyboard.type(typed.slice(-1), { delay: 60 });
      if (typed.length > 500) expect.unreachable("no move was seen");
    }
    await ann.page.keyboard.type(" end");
    await ann.page.keyboard.press("Enter");
    await bo.hears(`${typed} end`);
    expect(await bo.texts()).toEqual([`${typed} end`]);
    expect((await ann.counts()).slice(1)).toEqual(["0", "0"]);
    expect(fc.counts().cuts).toBe(0);
    for (const tab of [ann, bo]) expect(tab.errors).toEqual([]);
  });

  test("a tab that slept shows everything once, in order, when it wakes", { timeout: 60_000 }, async () => {
    await using server = await startServer({ env: env() });
    const room = uniqueRoom();
    const device = await launchChromium();
    const tab = await Tab.open(device, `${server.url}/#${room}`);
    const other = await Tab.open(browser, `${server.url}/#${room}`);
    await tab.say("before the sleep");
    await tab.hears("before the sleep");
    await signalPages(device, "SIGSTOP");
    await fillRoom(server, room, numbered(20));
    // So long that the server has given it up.
    await other.page.locator("#here", { hasText: "1 person here" }).waitFor({ timeout: 30_000 });
    await signalPages(device, "SIGCONT");
    await tab.hears("message 20");
    expect(await tab.texts()).toEqual(["before the sleep", ...numbered(20)]);
    await tab.isConnected();
    await tab.say("awake");
    await other.hears("awake");
    expect((await tab.counts()).at(-1), "gaps").toBe("0");
    expect(tab.errors).toEqual([]);
    await device.close();
  });

  test("a page that comes out of the back/forward cache shows what it missed, and what it had written", async () => {
    await using server = await startServer({ env: env() });
    // Playwright turns this cache off where it is not told otherwise.
    const withCache = await chromium.launch({
      executablePath: chromiumPath,
      args: ["--no-sandbox", "--disable-gpu"],
      ignoreDefaultArgs: ["--disable-back-forward-cache"],
    });
    try {
      const room = uniqueRoom();
      const tab = await Tab.open(withCache, `${server.url}/#${room}`);
      await tab.page.evaluate(() => {
        addEventListener("pageshow", ({ persisted }) => Object.assign(window, { persisted }));
      });
      await tab.say("before it is left");
      await tab.hears("before it is left");
      await tab.page.fill("#text", "half a sentence");
      await tab.page.goto("about:blank");
      await fillRoom(server, room, numbered(5));
      // A page that comes out of the cache is not loaded.
      await tab.page.goBack({ waitUntil: "commit" });
      await tab.hears("message 5");
      expect(await tab.texts()).toEqual(["before it is left", ...numbered(5)]);
      await tab.isConnected();
      expect(await tab.page.inputValue("#text")).toBe("half a sentence");
      expect(await tab.page.evaluate(() => (window as { persisted?: boolean }).persisted)).toBe(true);
      // The browser says itself that it has cut the WebSocket for that.
      expect(tab.errors).toEqual([expect.stringContaining("Page entered Back-Forward Cache")]);
    } finally {
      await withCache.close();
    }
  });

  test("a thousand messages are scrolled through up to the first, in order, each once", {
    timeout: 120_000,
  }, async () => {
    await using server = await startServer({ env: env() });
    const room = uniqueRoom();
    const all = numbered(1_000);
    await fillRoom(server, room, all);
    const tab = await Tab.open(browser, `${server.url}/#${room}`);
    await tab.hears("message 1000");
    const log = tab.page.locator("#log");
    await waitFor(
      async () => {
        await log.evaluate((element) => element.scrollTo(0, 0));
        return (await tab.page.locator(".bubble").count()) === 1_000;
      },
      "all messages",
      // Twenty pages, of which each is laid out and painted without a graphics card.
      80_000,
    );
    expect(await tab.texts()).toEqual(all);
    await tab.page.getByText(`This is the beginning of #${room}`).waitFor();
    await log.evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await tab.say("the thousand and first");
    await tab.hears("the thousand and first");
    expect(tab.errors).toEqual([]);
  });
});
