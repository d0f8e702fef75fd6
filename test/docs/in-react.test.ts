import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { launchChromium } from "../support/browser.ts";
import { freePort } from "../support/free-port.ts";
import { chromiumInstalled } from "../support/installed.ts";
import { examplesUnder, read, repository } from "../support/markdown.ts";
import { waitFor } from "../support/wait.ts";
import { RecipeFolder } from "./recipe.ts";

describe.runIf(chromiumInstalled)("the recipe for React", () => {
  test("is a chat in two tabs, which shows who is here and what was said before", { timeout: 90_000 }, async () => {
    using folder = new RecipeFolder();
    folder.writePage("recipes/in-react.md");
    const [, start = ""] = examplesUnder(read("docs/recipes/in-react.md"), "# In React", "sh");
    const [bundle = ""] = start.split("\n");
    const PATH = `${join(repository, "node_modules/.bin")}:${process.env.PATH}`;
    const { status, stderr } = spawnSync("bash", ["-c", bundle], { cwd: folder.path, env: { PATH }, encoding: "utf8" });
    expect(status, stderr).toBe(0);

    const port = await freePort();
    await using server = folder.run("main.ts", { PORT: String(port), DRAIN_SECONDS: "0" });
    await waitFor(() => server.ended !== undefined || server.output.includes("Next:"), "the server", 30_000);
    const browser = await launchChromium();
    try {
      const open = async () => {
        const page = await browser.newPage();
        page.on("pageerror", (error) => expect.unreachable(String(error)));
        await page.goto(`http://localhost:${port}`);
        await page.getByText("connected").waitFor();
        return page;
      };
      const ann = await open();
      await ann.getByLabel("Message").fill("hello");
      await ann.getByRole("button", { name: "Send" }).click();
      await ann.getByRole("listitem").getByText("hello").waitFor();
      const bob = await open();
      await bob.getByRole("listitem").getByText("hello").waitFor();
      await ann.getByText(/^Here: guest \d+, guest \d+$/).waitFor();
      await bob.getByLabel("Message").fill("hi");
      await bob.getByLabel("Message").press("Enter");
      await ann.getByRole("listitem").getByText("hi").waitFor();
    } finally {
      await browser.close();
    }
  });
});
