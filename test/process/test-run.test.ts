import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { ManagedProcess } from "../support/managed-process.ts";
import { withTimeout } from "../support/wait.ts";

// Runs of the test runner itself: how they end, and what they say last.

const repository = fileURLToPath(new URL("../..", import.meta.url));
const vitest = join(repository, "node_modules/vitest/vitest.mjs");

async function runTests(args: readonly string[], env: Record<string, string> = {}) {
  await using run = new ManagedProcess({
    command: process.execPath,
    args: [vitest, "run", ...args],
    env: { PATH: process.env.PATH, KEEP_BUILD: "yes", ...env },
    cwd: repository,
  });
  const { code } = await withTimeout(run.exit, "the run to end", 60_000);
  const lines = run.output.trimEnd().split("\n");
  return { code, output: run.output, lastLines: lines.slice(-2) };
}

test("on a machine with Node.js and npm alone a run passes, and its end says what was skipped and what to install", {
  timeout: 90_000,
}, async () => {
  const bare = { REDIS_SERVER: "/nonexistent", CHROMIUM: "/nonexistent" };
  const { code, output, lastLines } = await runTests(["test/cluster", "test/browser", "test/support/redis"], bare);
  expect(code, output).toBe(0);
  expect(lastLines[0]).toMatch(/^\d+ tests were skipped\. .*install redis-server and chromium/);
  expect(lastLines[1]).toMatch(/^[1-9]\d* passed, 0 failed, [1-9]\d* skipped$/);
});

/** Runs one file of tests, with everything installed as far as the runner can tell. */
async function runFile(content: string) {
  const root = mkdtempSync(join(tmpdir(), "holdfast-run-"));
  try {
    const bin = join(root, "bin");
    for (const folder of [bin, join(root, "test/unit")]) mkdirSync(folder, { recursive: true });
    symlinkSync(join(repository, "node_modules"), join(root, "node_modules"));
    symlinkSync(process.execPath, join(bin, "faketime"));
    writeFileSync(join(root, "test/unit/some.test.ts"), `import { expect, test } from "vitest";\n${content}`);
    return await runTests(["--root", root, "--config", join(repository, "vitest.config.ts"), "--project", "unit"], {
      PATH: `${bin}:${process.env.PATH}`,
      REDIS_SERVER: process.execPath,
      CHROMIUM: process.execPath,
    });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

const passes = 'test("passes", () => expect(1).toBe(1));';

test("a run in which all tests pass ends with their number and code 0", async () => {
  const { code, lastLines } = await runFile(passes);
  expect(code).toBe(0);
  expect(lastLines[1]).toBe("1 passed, 0 failed");
});

test("where everything is installed a test that is skipped fails the run", async () => {
  const { code, lastLines } = await runFile(`${passes} test.skip("is skipped", () => undefined);`);
  expect(code).toBe(1);
  expect(lastLines[0]).toContain("although everything that tests need is installed");
  expect(lastLines[1]).toBe("1 passed, 0 failed, 1 skipped");
});

test.each([
  ["a test", 'test("fails", () => expect(1).toBe(2));'],
  [
    "an error that no test waits for",
    "setTimeout(() => { throw new Error('late'); }); await new Promise((r) => setTimeout(r, 50));",
  ],
])("%s that fails is counted in the last line", async (_what, content) => {
  const { code, lastLines } = await runFile(`${passes}\n${content}`);
  expect(code).toBe(1);
  expect(lastLines[1]).toBe("1 passed, 1 failed");
});

test("a file that cannot be loaded is counted in the last line", async () => {
  const { code, lastLines } = await runFile('import "./nowhere.ts";');
  expect(code).toBe(1);
  expect(lastLines[1]).toBe("0 passed, 1 failed");
});
