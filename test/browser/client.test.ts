import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchChromium } from "../support/browser.ts";
import { chromiumInstalled } from "../support/installed.ts";
import { startRedis } from "../support/redis-server.ts";
import { startServer } from "../support/server-process.ts";
import { uniqueRoom } from "../support/unique.ts";

/** What the page offers to the test. */
const script = `
  import { connect } from "@holdfast/client";
  const { url, room: name } = Object.fromEntries(new URLSearchParams(location.search));
  const client = connect(url, { outbox: "session", socket: { reconnectionDelay: 50, randomizationFactor: 0 } });
  const errors = [];
  const messages = [];
  client.on("error", ({ code, message }) => {
    errors.push(code);
    messages.push(message);
  });
  const room = client.join(name);
  // Said at once, before what an earlier load has left can have been looked for.
  if (location.hash) room.publish("chat:message", { text: location.hash.slice(1) });
  history.replaceState(undefined, "", location.href.split("#")[0]);
  Object.assign(window, { client, room, errors, messages });
`;

interface Tab {
  client: { session: string; waiting: number; status: string; close(): Promise<void> };
  room: { publish(event: string, data: unknown): Promise<unknown> };
  errors: string[];
  messages: string[];
}

describe.runIf(chromiumInstalled)("a client in a browser", () => {
  let browser: Browser;
  let pages: ReturnType<typeof createServer>;

  beforeAll(async () => {
    const { outputFiles } = await build({
      stdin: { contents: script, resolveDir: "client" },
      bundle: true,
      write: false,
      format: "esm",
      platform: "browser",
    });
    pages = createServer((_, response) => {
      response.setHeader("content-type", "text/html");
      response.end(`<script type="module">${outputFiles[0]?.text}</script>`);
    });
    await new Promise<void>((resolve) => pages.listen(0, "127.0.0.1", resolve));
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
    pages.close();
  });

  const origin = () => `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
  const isReady = (page: Page) => page.waitForFunction(() => "client" in window);
  const sessionOf = (page: Page) => page.evaluate(() => (window as unknown as Tab).client.session);
  const waiting = (page: Page) => page.evaluate(() => (window as unknown as Tab).client.waiting);
  const isConnected = (page: Page) =>
    page.waitForFunction(() => (window as unknown as Tab).client.status === "connected");
  const isAway = (page: Page) =>
    page.waitForFunction(() => (window as unknown as Tab).client.status === "reconnecting");

  async function openTab(url: string, room: string): Promise<Page> {
    const page = await browser.newPage();
    await page.goto(`${origin()}/?${new URLSearchParams({ url, room })}`);
    await isReady(page);
    return page;
  }

  async function publish(page: Page, ...texts: readonly string[]): Promise<void> {
    await page.evaluate((all) => {
      const { room } = window as unknown as Tab;
      for (const text of all) room.publish("chat:message", { text }).catch(() => undefined);
    }, texts);
  }

  async function storedTexts(url: string, room: string): Promise<string[]> {
    const response = await fetch(`${url}/rooms/${room}/messages`);
    const { messages } = (await response.json()) as { messages: { data: { text: string } }[] };
    return messages.map(({ data }) => data.text);
  }

  test("messages that wait at a reload are stored once, in order, before later ones, by the same session", async () => {
    await using redis = await startRedis();
    const env = { REDIS_URL: redis.url, DRAIN_SECONDS: "0", ALLOWED_ORIGINS: origin() };
    const server = await startServer({ env });
    const name = uniqueRoom();
    const page = await openTab(server.url, name);
    await isConnected(page);
    const session = await sessionOf(page);
    await publish(page, "before");
    await page.waitForFunction(() => (window as unknown as Tab).client.waiting === 0);
    await server.kill();
    await isAway(page);
    await publish(page, "one", "two", "three");
    expect(await waiting(page)).toBe(3);
    await page.reload();
    await isReady(page);
    await page.waitForFunction(() => (window as unknown as Tab).client.waiting === 3);
    expect(await sessionOf(page)).toBe(session);
    await publish(page, "four");
    await page.evaluate(() => {
      location.hash = "five";
    });
    await page.reload();
    await isReady(page);
    await page.waitForFunction(() => (window as unknown as Tab).client.waiting === 5);
    await using again = await startServer({ env, port: server.port });
    await page.waitForFunction(() => (window as unknown as Tab).client.waiting === 0);
    expect(await storedTexts(again.url, name)).toEqual(["before", "one", "two", "three", "four", "five"]);
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
    await page.reload();
    await isConnected(page);
    await publish(page, "six");
    await page.waitForFunction(() => (window as unknown as Tab).client.waiting === 0);
    expect(await storedTexts(again.url, name)).toHaveLength(7);
    await page.close();
  });

  test("a message that is past its latest moment is told as TIMED_OUT and is never stored", async () => {
    await using redis = await startRedis();
    const env = { REDIS_URL: redis.url, DRAIN_SECONDS: "0", ALLOWED_ORIGINS: origin() };
    await using server = await startServer({ env });
    const name = uniqueRoom();
    const page = await openTab(server.url, name);
    await isConnected(page);
    await page.evaluate(
      ([url, room]) => {
        const entry = (id: string, calledAtMs: number) =>
          JSON.stringify({ room, id, event: "chat:message", data: { text: id }, calledAtMs });
        sessionStorage.setItem(`holdfast ${url} earlier 0`, entry("much-too-old", Date.now() - 90_000));
        sessionStorage.setItem(`holdfast ${url} earlier 1`, entry("young-enough", Date.now() - 60_000));
        sessionStorage.setItem(`holdfast ${url}`, "not a session");
      },
      [server.url, name] as const,
    );
    await page.reload();
    await page.waitForFunction(() => (window as unknown as Tab).errors?.length > 0);
    expect(await page.evaluate(() => (window as unknown as Tab).errors)).toEqual(["TIMED_OUT"]);
    await page.waitForFunction(() => (window as unknown as Tab).client.waiting === 0);
    expect(await storedTexts(server.url, name)).toEqual(["young-enough"]);
    await page.close();
  });

  test("a page whose origin the server does not allow is told so, and one whose server is away as well", async () => {
    await using redis = await startRedis();
    const env = { REDIS_URL: redis.url, DRAIN_SECONDS: "0", ALLOWED_ORIGINS: "https://another.example" };
    const server = await startServer({ env });
    const page = await openTab(server.url, uniqueRoom());
    await page.waitForFunction(() => (window as unknown as Tab).errors.length > 0);
    expect(await page.evaluate(() => (window as unknown as Tab).errors)).toEqual(["UPGRADE_REFUSED"]);
    expect(await page.evaluate(() => (window as unknown as Tab).messages[0])).toContain(
      `allow the origin ${origin()} in the server's ALLOWED_ORIGINS`,
    );
    await server.kill();
    await page.reload();
    await page.waitForFunction(() => (window as unknown as Tab).errors?.length > 0);
    expect(await page.evaluate(() => (window as unknown as Tab).errors)).toEqual(["UNREACHABLE"]);
    await page.close();
  });

  test("a browser that goes offline is noticed at once, and its message is stored when it is back", async () => {
    await using redis = await startRedis();
    const env = { REDIS_URL: redis.url, DRAIN_SECONDS: "0", ALLOWED_ORIGINS: origin() };
    await using server = await startServer({ env });
    const name = uniqueRoom();
    const page = await openTab(server.url, name);
    await isConnected(page);
    await page.context().setOffline(true);
    await isAway(page);
    await publish(page, "written offline");
    await page.context().setOffline(false);
    await page.waitForFunction(() => (window as unknown as Tab).client.waiting === 0);
    expect(await storedTexts(server.url, name)).toEqual(["written offline"]);
    await page.close();
  });

  test("a full storage is told, and publishing goes on", async () => {
    await using redis = await startRedis();
    const env = { REDIS_URL: redis.url, DRAIN_SECONDS: "0", ALLOWED_ORIGINS: origin() };
    await using server = await startServer({ env });
    const name = uniqueRoom();
    const page = await openTab(server.url, name);
    await isConnected(page);
    await page.evaluate(() => {
      for (let size = 4_194_304; size >= 1; size = Math.floor(size / 2)) {
        try {
          for (let part = 0; ; part++) sessionStorage.setItem(`filler ${size} ${part}`, "x".repeat(size));
        } catch {
          // The storage is full for this size: a smaller one fills what is left.
        }
      }
    });
    await publish(page, "in memory");
    await page.waitForFunction(() => (window as unknown as Tab).client.waiting === 0);
    expect(await page.evaluate(() => (window as unknown as Tab).errors)).toEqual(["OUTBOX_NOT_KEPT"]);
    expect(await storedTexts(server.url, name)).toEqual(["in memory"]);
    await page.close();
  });
});
