import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import type { ServerProcess } from "../support/server-process.ts";
import { messageId } from "../support/unique.ts";

/** How long anything on a page may take to come about. */
const waitMs = 10_000;

/** The application's page in a tab of a person of its own. */
export class Tab {
  readonly page: Page;
  /** What the browser's console has as errors, and what the page threw. */
  readonly errors: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.on("console", (line) => line.type() === "error" && this.errors.push(line.text()));
    page.on("pageerror", (error) => this.errors.push(error.message));
  }

  /** Opens `url` and waits until the page is connected and has joined its room. */
  static async open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Tab> {
    // Without motion a page takes a fifth less of the processor.
    const context = await browser.newContext({
      viewport: { width: 1280, height: 760 },
      reducedMotion: "reduce",
      ...options,
    });
    context.setDefaultTimeout(waitMs);
    const tab = new Tab(await context.newPage());
    await tab.page.goto(url);
    await tab.isConnected();
    await tab.page.locator("#here:has-text('here')").waitFor();
    return tab;
  }

  async isConnected(): Promise<void> {
    await this.page.locator("#status[data-status=connected]").waitFor();
  }

  async isAway(): Promise<void> {
    await this.page.locator("#status[data-status=reconnecting]").waitFor();
  }

  async say(text: string): Promise<void> {
    await this.page.fill("#text", text);
    await this.page.press("#text", "Enter");
  }

  /** Waits until the room has this message. */
  async hears(text: string): Promise<void> {
    await this.message(text).waitFor();
  }

  message(text: string): Locator {
    return this.page.locator(".message:not(.waiting)").filter({ hasText: text });
  }

  /** The messages as they are shown, from top to bottom. */
  texts(): Promise<string[]> {
    return this.page.locator(".bubble").allTextContents();
  }

  counts(): Promise<string[]> {
    return this.page.locator(".counts dd").allTextContents();
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}

/** Fills a room over HTTP. */
export async function fillRoom({ url }: Pick<ServerProcess, "url">, room: string, texts: readonly string[]) {
  for (const text of texts) {
    const answer = await fetch(`${url}/rooms/${room}/messages`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ id: messageId(), event: "chat:message", data: { text } }),
    });
    if (!answer.ok) throw new Error(`expected the message to be stored, got ${answer.status}: ${await answer.text()}`);
  }
}

/** `count` texts: "message 1" and so on. */
export function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `message ${index + 1}`);
}
