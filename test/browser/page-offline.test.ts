import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchChromium } from "../support/browser.ts";
import { chromiumInstalled } from "../support/installed.ts";
import { startRedis } from "../support/redis-server.ts";
import { startServer } from "../support/server-process.ts";
import { uniqueRoom } from "../support/unique.ts";
import { Tab } from "./page-rig.ts";

const env = (redis: { url: string }) => ({ REDIS_URL: redis.url, DRAIN_SECONDS: "0" });

describe.runIf(chromiumInstalled)("a page without a connection", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  test("says at once that it is offline, shows what waits, and sends it once when it is back", async () => {
    await using redis = await startRedis();
    await using server = await startServer({ env: env(redis) });
    const room = uniqueRoom();
    const ann = await Tab.open(browser, `${server.url}/#${room}`);
    const bo = await Tab.open(browser, `${server.url}/#${room}`);
    await ann.page.context().setOffline(true);
    await ann.page.getByText("You are offline.").waitFor({ timeout: 3_000 });
    expect(await ann.page.locator("#status .word").textContent()).toBe("Offline");
    for (const text of ["first", "second"]) await ann.say(text);
    await ann.page.locator("#said", { hasText: "2 messages waiting to go out" }).waitFor();
    expect(await ann.page.locator(".waiting .fate").allTextContents()).toEqual([
      "Waiting for the connection",
      "Waiting for the connection",
    ]);
    await bo.say("said meanwhile");
    await ann.page.context().setOffline(false);
    await ann.hears("second");
    await bo.hears("second");
    expect(await ann.texts()).toEqual(["said meanwhile", "first", "second"]);
    expect(await bo.texts()).toEqual(["said meanwhile", "first", "second"]);
    await ann.page.locator("#banner", { hasText: /^Back after / }).waitFor();
    expect(await ann.counts()).toEqual(["0", "1", "0"]);
  });

  test("sends what was written while the server was away once, when that is back", async () => {
    await using redis = await startRedis();
    const server = await startServer({ env: env(redis) });
    const room = uniqueRoom();
    const ann = await Tab.open(browser, `${server.url}/#${room}`);
    await server.kill();
    await ann.isAway();
    await ann.page.getByText("The connection was cut.").waitFor();
    await ann.say("written while the server was away");
    await ann.page.locator(".waiting").waitFor();
    await using again = await startServer({ env: env(redis), port: server.port });
    await ann.hears("written while the server was away");
    const other = await Tab.open(browser, `${again.url}/#${room}`);
    await other.hears("written while the server was away");
    expect(await ann.texts()).toEqual(["written while the server was away"]);
    expect(await other.texts()).toEqual(["written while the server was away"]);
  });

  test("comes back by itself after its own cut, and misses nothing", async () => {
    await using redis = await startRedis();
    await using server = await startServer({ env: env(redis) });
    const room = uniqueRoom();
    const ann = await Tab.open(browser, `${server.url}/#${room}`);
    const bo = await Tab.open(browser, `${server.url}/#${room}`);
    await ann.page.getByRole("button", { name: "Cut my connection" }).click();
    await ann.isAway();
    await ann.say("from the one that was cut");
    await bo.say("from the other one");
    await ann.hears("from the other one");
    await bo.hears("from the one that was cut");
    expect((await ann.texts()).toSorted()).toEqual(["from the one that was cut", "from the other one"]);
    expect(await ann.texts()).toEqual(await bo.texts());
    expect(await ann.counts()).toEqual(["0", "1", "0"]);
    expect(await bo.counts()).toEqual(["0", "0", "0"]);
    await ann.page.locator(".journey", { hasText: /Back after .* on/ }).waitFor();
  });

  test("shows a message that the server refuses, with the reason, and sends it again on demand", async () => {
    await using redis = await startRedis();
    const server = await startServer({ env: { ...env(redis), ROOM_RIGHTS: "read" } });
    const room = uniqueRoom();
    const tab = await Tab.open(browser, `${server.url}/#${room}`);
    await tab.say("not allowed here");
    await tab.page.locator(".failed .fate", { hasText: "Not sent:" }).waitFor();
    await server.kill();
    await using _again = await startServer({ env: env(redis), port: server.port });
    await tab.isConnected();
    await tab.page.getByRole("button", { name: "Send again" }).click();
    await tab.hears("not allowed here");
    expect(await tab.texts()).toEqual(["not allowed here"]);
  });
});
