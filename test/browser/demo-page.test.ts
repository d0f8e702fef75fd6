import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromiumInstalled, chromiumPath } from "../support/installed.ts";
import { startRedis } from "../support/redis-server.ts";
import { startServer } from "../support/server-process.ts";

describe.runIf(chromiumInstalled)("the demo page", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: chromiumPath,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-sync",
      ],
    });
  });
  afterAll(() => browser.close());

  async function openTab(url: string): Promise<Page> {
    const page = await browser.newPage({ viewport: { width: 720, height: 560 } });
    await page.goto(url);
    await page.locator("#status[data-status=connected]").waitFor();
    return page;
  }

  async function say(page: Page, text: string): Promise<void> {
    await page.fill("input", text);
    await page.press("input", "Enter");
  }

  const texts = (page: Page) =>
    page.locator("#messages li").evaluateAll((items) => items.map((item) => item.firstChild?.textContent));

  test("two tabs on two instances talk, and a third that comes later sees what was said", async () => {
    await using redis = await startRedis();
    await using first = await startServer({ env: { REDIS_URL: redis.url, DRAIN_SECONDS: "0" } });
    await using second = await startServer({ env: { REDIS_URL: redis.url, DRAIN_SECONDS: "0" } });
    const [alice, bob] = [await openTab(first.url), await openTab(second.url)];
    await say(alice, "hello from the first tab");
    await bob.getByText("hello from the first tab").waitFor();
    await say(bob, "hello back");
    await alice.getByText("hello back").waitFor();
    const expected = ["hello from the first tab", "hello back"];
    const late = await openTab(first.url);
    await late.getByText("hello back").waitFor();
    for (const page of [alice, bob, late]) expect(await texts(page)).toEqual(expected);
  });

  test("each tab shows who is there by name, and who closes a tab is there no more", async () => {
    await using redis = await startRedis();
    const env = { REDIS_URL: redis.url, DRAIN_SECONDS: "0", PRESENCE_GRACE_SECONDS: "1" };
    await using first = await startServer({ env });
    await using second = await startServer({ env });
    const alice = await openTab(`${first.url}/?name=alice`);
    await alice.getByText("1 here: alice (you)").waitFor();
    const bob = await openTab(`${second.url}/?name=bob`);
    const list = alice.getByRole("region", { name: "Who is here" });
    await list.getByText("2 here:").waitFor();
    expect(await list.getByRole("listitem").allTextContents()).toEqual(["alice (you)", "bob"]);
    await bob.getByRole("listitem").getByText("bob (you)").waitFor();
    await say(bob, "hello");
    await alice.getByText(/^bob ·/).waitFor();
    await bob.close();
    await list.getByText("1 here:").waitFor();
    expect(await list.getByRole("listitem").allTextContents()).toEqual(["alice (you)"]);
  });

  test("what is sent while the server is away is stored once when it is back", async () => {
    await using redis = await startRedis();
    const server = await startServer({ env: { REDIS_URL: redis.url, DRAIN_SECONDS: "0" } });
    const page = await openTab(server.url);
    await server.kill();
    await page.locator("#status[data-status=reconnecting]").waitFor();
    await say(page, "written offline");
    expect(await page.locator("#messages li.waiting").count()).toBe(1);
    await using again = await startServer({ env: { REDIS_URL: redis.url, DRAIN_SECONDS: "0" }, port: server.port });
    await page.locator("#messages li.own:not(.waiting)").waitFor();
    const other = await openTab(again.url);
    await other.getByText("written offline").waitFor();
    expect(await texts(page)).toEqual(["written offline"]);
    expect(await texts(other)).toEqual(["written offline"]);
  });
});
