import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createTestServer, type TestServer } from "@holdfast/server/testing";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { launchChromium } from "../support/browser.ts";
import { chromiumInstalled } from "../support/installed.ts";
import { uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";
import type { ReactPage } from "./page.tsx";
import { App, contract, type Scene } from "./scene.tsx";

interface Tab extends AsyncDisposable {
  readonly page: Page;
  /** What the client sent: `room:join lobby`. */
  readonly sent: string[];
  call<Name extends keyof ReactPage>(name: Name, ...args: Parameters<ReactPage[Name]>): Promise<void>;
  texts(index?: number): Promise<string[]>;
  shows(texts: readonly string[], index?: number): Promise<void>;
}

describe.runIf(chromiumInstalled)("React's hooks in a browser", () => {
  let browser: Browser;
  let server: TestServer<typeof contract>;
  let pages: ReturnType<typeof createServer>;
  let room: string;
  /** What the page holds before its script runs. */
  let html = "";

  beforeAll(async () => {
    server = await createTestServer(
      {
        contract,
        authorize: ({ room: name }) => !name.startsWith("secret"),
        requests: { double: ({ value }) => ({ value: value * 2 }) },
      },
      { settings: { auth: "anonymous", roomRights: "none" } },
    );
    const { outputFiles } = await build({
      entryPoints: ["test/react/page.tsx"],
      bundle: true,
      write: false,
      format: "esm",
      platform: "browser",
      jsx: "automatic",
      conditions: ["@holdfast/source"],
      define: { "process.env.NODE_ENV": '"development"' },
    });
    const script = outputFiles[0]?.text.replaceAll("</script", "<\\/script");
    pages = createServer((_, response) => {
      response.setHeader("content-type", "text/html");
      response.end(
        `<!doctype html><link rel="icon" href="data:,"><main>${html}</main><script type="module">${script}</script>`,
      );
    });
    await new Promise<void>((resolve) => pages.listen(0, "127.0.0.1", resolve));
    browser = await launchChromium();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    pages?.close();
    await server?.close();
  });
  beforeEach(() => {
    room = uniqueRoom();
    html = "";
  });

  /** A page, which at its end has had no error and no warning. */
  async function openTab(): Promise<Tab> {
    const page = await browser.newPage();
    const complaints: string[] = [];
    const sent: string[] = [];
    page.on("pageerror", (error) => complaints.push(`${error}`));
    page.on("console", (message) => {
      if (message.type() !== "info" && message.type() !== "log") complaints.push(message.text());
    });
    page.on("websocket", (socket) => {
      sent.push("open");
      socket.on("close", () => sent.push("close"));
      socket.on("framesent", ({ payload }) => {
        const [, event, name] = /\["(room:\w+)",\{"room":"([^"]+)"/.exec(String(payload)) ?? [];
        if (event) sent.push(`${event} ${name}`);
      });
    });
    await page.goto(`http://127.0.0.1:${(pages.address() as AddressInfo).port}/`);
    await page.waitForFunction(() => "page" in window);
    const texts = (index = 0) => page.locator("section").nth(index).locator("li").allTextContents();
    return {
      page,
      sent,
      async call(name, ...args) {
        await page.evaluate(
          ([method, given]) => {
            const { page: own } = window as unknown as { page: Record<string, (...all: unknown[]) => unknown> };
            own[method]?.(...given);
          },
          [name as string, args as unknown[]] as const,
        );
      },
      texts,
      async shows(expected, index) {
        await waitFor(async () => JSON.stringify(await texts(index)) === JSON.stringify(expected), `${expected}`).catch(
          async () => expect(await texts(index)).toEqual(expected),
        );
      },
      async [Symbol.asyncDispose]() {
        await page.close();
        expect(complaints).toEqual([]);
      },
    };
  }

  const scene = (notes: Scene["notes"] = [{ room, history: 10 }]): Scene => ({
    url: server.url,
    isStrict: true,
    notes,
  });
  const publish = (text: string, to = room) => server.publish(to, "note", { text });
  const isJoined = (tab: Tab, count = 1) =>
    waitFor(async () => (await tab.page.locator("[data-state=joined]").count()) === count, "the room to be joined");

  test("under StrictMode a room is joined once, and left when its component goes, with the connection", async () => {
    await publish("before");
    await using tab = await openTab();
    await tab.call("show", scene());
    await tab.shows(["before"]);
    await tab.page.getByText("say").click();
    await tab.shows(["before", "said"]);
    await tab.call("show", scene([]));
    await waitFor(() => tab.sent.some((line) => line.startsWith("room:leave")), "the room to be left");
    await tab.call("hide");
    await waitFor(() => tab.sent.includes("close"), "the connection to be closed");
    expect(tab.sent).toEqual(["open", `room:join ${room}`, `room:leave ${room}`, "close"]);
  });

  test("two components in one room have handles of their own: one goes, the other one stays in the room", async () => {
    await using tab = await openTab();
    await tab.call("show", scene([{ room }, { room }]));
    await isJoined(tab, 2);
    await publish("one");
    await tab.shows(["one"], 0);
    await tab.shows(["one"], 1);
    await tab.call("show", scene([{ room }]));
    await publish("two");
    await tab.shows(["one", "two"]);
    expect(tab.sent.filter((line) => line.startsWith("room:leave"))).toEqual([]);
  });

  test("another name is another room, whose messages replace those of the first; no name is no room", async () => {
    const other = uniqueRoom();
    await publish("here");
    await publish("there", other);
    await using tab = await openTab();
    await tab.call("show", scene());
    await tab.shows(["here"]);
    await tab.call("show", scene([{ room: other, history: 10 }]));
    await tab.shows(["there"]);
    await waitFor(() => tab.sent.includes(`room:leave ${room}`), "the first room to be left");
    await tab.call("show", scene([{}]));
    await tab.shows([]);
    await waitFor(() => tab.sent.includes(`room:leave ${other}`), "the second room to be left");
    expect(await tab.page.locator("section").getAttribute("data-state")).toBe("left");
  });

  test("older messages come in front, page by page, until the beginning or the limit", async () => {
    const texts = Array.from({ length: 120 }, (_, index) => `m${index}`);
    for (const text of texts) await publish(text);
    await using tab = await openTab();
    await tab.call("show", scene([{ room }, { room, history: 5, limit: 60 }]));
    const older = (index: number) => tab.page.locator("section").nth(index).getByText("older");
    await older(0).click();
    await tab.shows(texts.slice(-50), 0);
    await older(0).click();
    await tab.shows(texts.slice(-100), 0);
    await older(0).click();
    await tab.shows(texts, 0);
    await older(1).click();
    await tab.shows(texts.slice(-55), 1);
    await older(1).click();
    await tab.shows(texts.slice(-60), 1);
    await waitFor(async () => (await tab.page.getByText("older").count()) === 0, "nothing older to be offered");
    await publish("new");
    await tab.shows([...texts.slice(-59), "new"], 1);
  });

  test("what a server has rendered is taken over, and goes on without a hole or a repeat", async () => {
    for (const text of ["one", "two", "three"]) await publish(text);
    const initial = await server.history(room, { limit: 2 });
    const rendered = scene([{ room, initial }, { room }]);
    html = renderToString(createElement(App, rendered));
    expect(html).toContain("three");
    await publish("between");
    await using tab = await openTab();
    expect(await tab.texts()).toEqual(["two", "three"]);
    await tab.call("hydrate", rendered);
    await tab.shows(["two", "three", "between"]);
    await publish("after");
    await tab.shows(["two", "three", "between", "after"]);
    await tab.page.locator("section").first().getByText("older").click();
    await tab.shows(["one", "two", "three", "between", "after"]);
  });

  test("a page that is shown once its part arrives is joined with what the room has had meanwhile", async () => {
    for (const text of ["one", "two"]) await publish(text);
    const initial = await server.history(room, { limit: 2 });
    for (const text of ["three", "four"]) await publish(text);
    await using tab = await openTab();
    await tab.call("showLate", scene([{ room, initial }]));
    await isJoined(tab);
    await publish("five");
    await tab.call("arrive");
    await tab.shows(["one", "two", "three", "four", "five"]);
  });

  test("a room that is changed in a transition is joined once", async () => {
    const other = uniqueRoom();
    await publish("here");
    await publish("there", other);
    await using tab = await openTab();
    await tab.call("show", scene());
    await tab.shows(["here"]);
    await tab.page.evaluate(
      ([first]) => {
        const { page } = window as unknown as { page: ReactPage };
        page.showInTransition(first);
      },
      [scene([{ room: other, history: 10 }])] as const,
    );
    await tab.shows(["there"]);
    expect(tab.sent.filter((line) => line.startsWith("room:join"))).toEqual([
      `room:join ${room}`,
      `room:join ${other}`,
    ]);
  });

  test("a move and a cut while components render lose nothing, repeat nothing and show no gap", async () => {
    await using tab = await openTab();
    await tab.call("show", scene([{ room }, { room }]));
    await isJoined(tab, 2);
    const texts = Array.from({ length: 60 }, (_, index) => `m${index}`);
    for (const [index, text] of texts.entries()) {
      await publish(text);
      if (index === 15) void server.move();
      if (index === 40) void server.cut();
    }
    await tab.shows(texts, 0);
    await tab.shows(texts, 1);
    expect(tab.sent.filter((line) => line === "open").length).toBeGreaterThanOrEqual(3);
  });

  test("a hot reload keeps handle and messages, and sends nothing", async () => {
    await using tab = await openTab();
    await tab.call("show", scene([{ room }]));
    await isJoined(tab);
    await publish("before");
    await tab.shows(["before"]);
    const sent = [...tab.sent];
    await tab.call("reload");
    await tab.page.locator("body[data-version='1']").waitFor();
    await publish("after");
    await tab.shows(["before", "after"]);
    expect(tab.sent).toEqual(sent);
  });

  test("a room that is refused shows its error", async () => {
    await using tab = await openTab();
    await tab.call("show", scene([{ room: `secret-${room}` }]));
    await tab.page.locator("[data-state=left][data-error=FORBIDDEN]").waitFor({ state: "attached" });
  });

  test("members, signals and answers reach the components", async () => {
    await using ann = await openTab();
    await using bob = await openTab();
    await ann.call("show", scene([{ room, name: "ann" }]));
    await bob.call("show", scene([{ room, name: "bob" }]));
    await ann.page.locator("[data-count='2']").waitFor({ state: "attached" });
    expect((await ann.page.locator("u").textContent())?.split(",").toSorted()).toEqual(["ann", "bob"]);
    await isJoined(bob);
    await ann.page.getByText("type").click();
    await bob.page.locator("em", { hasText: "ann" }).waitFor();
    await ann.page.getByText("ask").click();
    await ann.page.locator("b", { hasText: "42" }).waitFor();
    expect(await ann.page.locator("p").getAttribute("data-status")).toBe("connected");
  });
});
