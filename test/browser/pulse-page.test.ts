import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { violations } from "../support/axe.ts";
import { connectChat } from "../support/chat.ts";
import { chromiumInstalled, chromiumPath } from "../support/installed.ts";
import { startInstances } from "../support/instances.ts";
import { timePasses, waitFor } from "../support/wait.ts";

const adminToken = "an-admin-token-of-a-test";

describe.runIf(chromiumInstalled)("the live view", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox", "--disable-gpu"] });
  });
  afterAll(() => browser.close());

  /** A value of the table, by its row and column. */
  async function shownIn(page: Page, row: string, column: string): Promise<string> {
    const titles = await page.locator("thead th").allTextContents();
    const found = page.locator("tbody tr").filter({ has: page.getByRole("rowheader", { name: row, exact: true }) });
    return (await found.locator("th, td").nth(titles.indexOf(column)).textContent()) ?? "";
  }

  /** Pixels of a plot in the colour of the line of all together. */
  const drawnPixels = (page: Page, field: string) =>
    page.locator(`[data-field=${field}] canvas`).evaluate((canvas) => {
      if (!(canvas instanceof HTMLCanvasElement)) return 0;
      const pixels = canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
      let drawn = 0;
      for (let at = 0; at < pixels.length; at += 4) {
        if (pixels[at] === 0x16 && pixels[at + 1] === 0x1a && pixels[at + 2] === 0x20 && pixels[at + 3] === 255)
          drawn += 1;
      }
      return drawn;
    });

  test("asks for ADMIN_TOKEN, then shows all instances from one of them", { timeout: 60_000 }, async () => {
    await using instances = await startInstances(2, { env: { ADMIN_TOKEN: adminToken } });
    const page = await browser.newPage({ colorScheme: "light" });
    const refused: string[] = [];
    page.on("console", (message) => message.text().includes("Content Security Policy") && refused.push(message.text()));
    page.on("pageerror", (error) => refused.push(error.message));

    await page.goto(`${instances.url(0)}/pulse`);
    await page.getByLabel(/ADMIN_TOKEN/).fill("another-token-of-a-test");
    await page.keyboard.press("Enter");
    await page.getByText("That is not the token.").waitFor();
    await page.getByLabel(/ADMIN_TOKEN/).fill(adminToken);
    await page.keyboard.press("Enter");
    await page.locator("#status[data-is=live]").waitFor();
    expect(page.url()).toBe(`${instances.url(0)}/pulse`);
    const legend = page.getByRole("list", { name: "Instances" }).getByRole("listitem");
    await waitFor(async () => (await legend.count()) === 3, "both instances and all together");
    // For this tab the token is kept.
    await page.reload();
    await page.locator("#status[data-is=live]").waitFor();
    expect(await page.locator("form").isVisible()).toBe(false);

    const client = connectChat(instances.url(1));
    const room = client.join("lobby");
    await room.ready;
    await waitFor(async () => {
      await room.publish("chat:message", { text: "hello" });
      return Number(await shownIn(page, "together", "Published /s")) > 0;
    }, "a publish on the other instance");
    await waitFor(async () => (await shownIn(page, "together", "Connections")) === "1", "its connection");
    // Each second makes it a few pixels longer.
    await waitFor(async () => (await drawnPixels(page, "connections")) > 50, "a line", 25_000);

    await page.getByRole("button", { name: "Pause" }).click();
    const time = await page.locator("#time").textContent();
    // Two more seconds would be shown.
    await timePasses(2_500);
    expect(await page.locator("#time").textContent()).toBe(time);
    await page.getByRole("button", { name: "Pause" }).click();
    await waitFor(async () => (await page.locator("#time").textContent()) !== time, "another second");

    await client.close();
    expect(refused).toEqual([]);
    await page.close();
  });

  test("shows that an instance is gone, and that Redis is away", async () => {
    await using instances = await startInstances(2);
    const page = await browser.newPage();
    await page.goto(`${instances.url(0)}/pulse`);
    const legend = page.getByRole("list", { name: "Instances" }).getByRole("listitem");
    await waitFor(async () => (await legend.count()) === 3, "both instances and all together");
    await instances.servers[1]?.kill();
    await legend.getByText("gone").waitFor();
    await instances.redis.stop();
    await page.locator("[data-field=redisP99Ms].alarm").getByText("away").waitFor();
    await legend.getByText("no Redis").waitFor();
    await page.close();
  });

  test("gives axe nothing to find, on a desktop and on a phone, and is not scrolled sideways there", {
    timeout: 60_000,
  }, async () => {
    await using instances = await startInstances(1);
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" });
    const page = await context.newPage();
    await page.goto(`${instances.url(0)}/pulse`);
    await page.locator("#status[data-is=live]").waitFor();
    await page.locator("[data-field=refusals] canvas").waitFor();
    expect(await violations(page), "on a desktop").toEqual([]);
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await violations(page), "on a phone").toEqual([]);
    const { scrolled, shown } = await page.evaluate(() => ({
      scrolled: document.documentElement.scrollWidth,
      shown: document.documentElement.clientWidth,
    }));
    expect(scrolled).toBeLessThanOrEqual(shown);
    await context.close();
  });
});
