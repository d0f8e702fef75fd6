import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchChromium } from "../support/browser.ts";
import { chromiumInstalled } from "../support/installed.ts";
import { startRedis } from "../support/redis-server.ts";
import { startServer } from "../support/server-process.ts";
import { uniqueRoom } from "../support/unique.ts";
import { Tab } from "./page-rig.ts";

const env = (redis: { url: string }) => ({ REDIS_URL: redis.url, DRAIN_SECONDS: "0", PRESENCE_GRACE_SECONDS: "1" });

describe.runIf(chromiumInstalled)("the application's page", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  test("lets two tabs on two instances talk, and shows a third that comes later what was said", async () => {
    await using redis = await startRedis();
    await using first = await startServer({ env: env(redis) });
    await using second = await startServer({ env: env(redis) });
    const room = uniqueRoom();
    const ann = await Tab.open(browser, `${first.url}/?name=Ann#${room}`);
    const bo = await Tab.open(browser, `${second.url}/?name=Bo#${room}`);
    await ann.say("hello from the first tab");
    await bo.hears("hello from the first tab");
    await bo.say("hello back\nin two lines, see https://example.com/a.");
    await ann.hears("hello back");
    const late = await Tab.open(browser, `${first.url}/#${room}`);
    await late.hears("hello back");
    const expected = ["hello from the first tab", "hello back\nin two lines, see https://example.com/a."];
    for (const tab of [ann, bo, late]) expect(await tab.texts()).toEqual(expected);
    // The name of a message stays when its sender has gone.
    await bo.close();
    await late.page.locator("#here", { hasText: "2 people here" }).waitFor();
    expect(await late.message("hello back").locator(".who b").textContent()).toBe("Bo");
    expect(await late.message("hello back").locator("a").getAttribute("href")).toBe("https://example.com/a");
    for (const tab of [ann, late]) expect(tab.errors).toEqual([]);
  });

  test("shows who is here, who is typing, and a new name at once", async () => {
    await using redis = await startRedis();
    await using server = await startServer({ env: env(redis) });
    const room = uniqueRoom();
    const ann = await Tab.open(browser, `${server.url}/?name=Ann#${room}`);
    await ann.page.locator("#here", { hasText: "1 person here" }).waitFor();
    const bo = await Tab.open(browser, `${server.url}/#${room}`);
    await ann.page.locator("#people", { hasText: /Guest \w{4}/ }).waitFor();
    await bo.page.fill("#own-name", "Bo");
    await bo.page.press("#own-name", "Enter");
    await ann.page.locator("#people .name", { hasText: "Bo" }).waitFor();
    expect(await ann.page.locator("#people .name").allTextContents()).toEqual(["Ann", "Bo"]);
    await bo.page.locator("#text").pressSequentially("thinking");
    await ann.page.locator("#said", { hasText: "Bo is typing" }).waitFor();
    await bo.page.press("#text", "Enter");
    await ann.hears("thinking");
    await ann.page.waitForFunction(() => document.querySelector("#said")?.textContent === "");
    // The next load knows the name.
    await bo.page.reload();
    await bo.page.locator("#people .name", { hasText: "Bo" }).waitFor();
  });

  test("shows reactions of everybody, and takes one back", async () => {
    await using redis = await startRedis();
    await using server = await startServer({ env: env(redis) });
    const room = uniqueRoom();
    const ann = await Tab.open(browser, `${server.url}/?name=Ann#${room}`);
    const bo = await Tab.open(browser, `${server.url}/?name=Bo#${room}`);
    await ann.say("shall we?");
    await bo.message("shall we?").hover();
    await bo.message("shall we?").locator(".react").click();
    await bo.page.getByRole("button", { name: "party" }).click();
    const chip = (tab: Tab) => tab.message("shall we?").locator(".chip");
    await chip(ann).filter({ hasText: "🎉 1" }).click();
    await chip(bo).filter({ hasText: "🎉 2" }).waitFor();
    expect(await chip(bo).getAttribute("aria-label")).toBe("party, 2: you, Ann");
    await chip(bo).click();
    await chip(ann).filter({ hasText: "🎉 1" }).waitFor();
    expect(await chip(bo).getAttribute("aria-pressed")).toBe("false");
    const late = await Tab.open(browser, `${server.url}/#${room}`);
    expect(await chip(late).textContent()).toBe("🎉 1");
  });

  test("opens rooms by address, and sends what was written in a room that was left", async () => {
    await using redis = await startRedis();
    await using server = await startServer({ env: env(redis) });
    const [first, second] = [uniqueRoom(), uniqueRoom()];
    const ann = await Tab.open(browser, `${server.url}/#${first}`);
    await ann.say("said in the first");
    await ann.hears("said in the first");
    await ann.page.context().setOffline(true);
    await ann.isAway();
    await ann.say("written in the first");
    await ann.page.fill("#room-name", second);
    await ann.page.press("#room-name", "Enter");
    await ann.page.locator("h1", { hasText: `#${second}` }).waitFor();
    expect(await ann.texts()).toEqual([]);
    await ann.page.context().setOffline(false);
    await ann.isConnected();
    await ann.say("said in the second");
    await ann.hears("said in the second");
    await ann.page.getByRole("link", { name: `#${first}` }).click();
    await ann.hears("written in the first");
    expect(await ann.texts()).toEqual(["said in the first", "written in the first"]);
  });

  test("can be used with the keyboard alone", async () => {
    await using redis = await startRedis();
    await using server = await startServer({ env: env(redis) });
    const room = uniqueRoom();
    const ann = await Tab.open(browser, `${server.url}/#${room}`);
    const { keyboard } = ann.page;
    await ann.page.locator("#skip").focus();
    await keyboard.press("Enter");
    await keyboard.type("one");
    await keyboard.press("Shift+Enter");
    await keyboard.type("line more");
    await keyboard.press("Enter");
    await keyboard.type("two");
    await keyboard.press("Enter");
    await ann.hears("two");
    expect(await ann.texts()).toEqual(["one\nline more", "two"]);
    // From the field backwards to the last message's button, one message up, and the first of its emoji.
    await keyboard.press("Shift+Tab");
    await keyboard.press("ArrowUp");
    await keyboard.press("Enter");
    await ann.page.getByRole("group", { name: "Reactions" }).waitFor();
    await keyboard.press("ArrowRight");
    await keyboard.press("Enter");
    await ann.message("line more").locator(".chip", { hasText: "❤️ 1" }).waitFor();
    await keyboard.press("Enter");
    await ann.page.getByRole("group", { name: "Reactions" }).waitFor();
    await keyboard.press("Escape");
    await ann.page.getByRole("group", { name: "Reactions" }).waitFor({ state: "detached" });
    expect(ann.errors).toEqual([]);
  });
});
