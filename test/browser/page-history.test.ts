import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchChromium } from "../support/browser.ts";
import { chromiumInstalled } from "../support/installed.ts";
import { startRedis } from "../support/redis-server.ts";
import { startServer } from "../support/server-process.ts";
import { uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";
import { fillRoom, numbered, Tab } from "./page-rig.ts";

const env = (redis: { url: string }) => ({ REDIS_URL: redis.url, DRAIN_SECONDS: "0" });

const scrollTo = (tab: Tab, top: number) =>
  tab.page.locator("#log").evaluate((log, to) => {
    log.scrollTop = to;
  }, top);

/** Where a message stands on the screen. */
const topOf = async (tab: Tab, text: string) => Math.round((await tab.message(text).boundingBox())?.y ?? Number.NaN);

describe.runIf(chromiumInstalled)("the list of messages", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  test("begins with the newest messages and reads older ones when it is scrolled back, up to the first", async () => {
    await using redis = await startRedis();
    await using server = await startServer({ env: env(redis) });
    const room = uniqueRoom();
    const all = numbered(150);
    await fillRoom(server, room, all);
    const tab = await Tab.open(browser, `${server.url}/#${room}`);
    await tab.message("message 150").waitFor();
    expect((await tab.texts()).length).toBeLessThan(150);
    await waitFor(async () => {
      await scrollTo(tab, 0);
      return (await tab.texts()).length === 150;
    }, "all messages");
    expect(await tab.texts()).toEqual(all);
    await tab.page.getByText(`This is the beginning of #${room}`).waitFor();
    expect(tab.errors).toEqual([]);
  });

  test("keeps what is read in its place when older messages and new ones come, and says how many are new", async () => {
    await using redis = await startRedis();
    await using server = await startServer({ env: env(redis) });
    const room = uniqueRoom();
    await fillRoom(server, room, numbered(150));
    const tab = await Tab.open(browser, `${server.url}/#${room}`);
    await tab.message("message 150").waitFor();
    await scrollTo(tab, 300);
    const read = "message 100";
    await tab.page.waitForFunction(() => document.querySelectorAll(".bubble").length > 60);
    const before = await topOf(tab, read);
    await fillRoom(server, room, ["one that comes meanwhile", "another one"]);
    const newest = tab.page.locator("#newest", { hasText: "2 new messages" });
    await newest.waitFor();
    expect(await topOf(tab, read)).toBe(before);
    expect(await tab.page.title()).toBe(`(2) #${room} · Holdfast`);
    await newest.click();
    await newest.waitFor({ state: "hidden" });
    expect(await tab.page.title()).toBe(`#${room} · Holdfast`);
    // The line stands before the first of them.
    const rows = await tab.page.locator("#messages > li").allTextContents();
    expect(rows[rows.indexOf("New") + 1]).toContain("one that comes meanwhile");
    await tab.say("read");
    await tab.hears("read");
    expect(await tab.page.locator(".divider.new").count()).toBe(0);
  });

  test("follows new messages where it is scrolled to its end", async () => {
    await using redis = await startRedis();
    await using server = await startServer({ env: env(redis) });
    const room = uniqueRoom();
    await fillRoom(server, room, numbered(30));
    const tab = await Tab.open(browser, `${server.url}/#${room}`);
    await tab.message("message 30").waitFor();
    await fillRoom(server, room, ["the newest"]);
    await tab.hears("the newest");
    const log = tab.page.locator("#log");
    await waitFor(
      () => log.evaluate(({ scrollTop, scrollHeight, clientHeight }) => scrollHeight - scrollTop - clientHeight < 2),
      "the end of the list",
    );
    expect(await tab.page.locator("#newest").isHidden()).toBe(true);
  });

  test("says where messages may be missing, and goes on behind that", async () => {
    await using redis = await startRedis();
    await using server = await startServer({ env: env(redis) });
    const room = uniqueRoom();
    const tab = await Tab.open(browser, `${server.url}/#${room}`);
    await tab.say("before the loss");
    await tab.hears("before the loss");
    await fetch(`${server.url}/admin/rooms/${room}/clear`, { method: "POST" });
    await tab.say("after the loss");
    await tab.hears("after the loss");
    await tab.page.getByText("Messages may be missing here.").waitFor();
    const rows = await tab.page.locator("#messages > li").allTextContents();
    const at = rows.findIndex((row) => row.startsWith("Messages may be missing"));
    expect(rows[at - 1]).toContain("before the loss");
    expect(rows[at + 1]).toContain("after the loss");
    expect(await tab.counts()).toEqual(["0", "0", "1"]);
  });
});
