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
  const { code, output, lastLines } = await runTests(
    ["test/cluster/identity.test.ts", "test/browser/client.test.ts", "test/support/redis-server.test.ts"],
    bare,
  );
  expect(code, output).toBe(0);
  expect(lastLines[0]).toMatch(/^\d+ tests were skipped\. .*install redis-server and chromium/);
  expect(lastLines[1]).toMatch(/^[1-9]\d* passed, 0 failed, [1-9]\d* skipped$/);
});

/** Runs files of tests, with everything installed as far as the runner can tell. */
async function runFiles(...contents: readonly string[]) {
  const root = mkdtempSync(join(tmpdir(), "holdfast-run-"));
  try {
    const bin = join(root, "bin");
    for (const folder of [bin, join(root, "test/unit")]) mkdirSync(folder, { recursive: true });
    symlinkSync(join(repository, "node_modules"), join(root, "node_modules"));
    symlinkSync(process.execPath, join(bin, "faketime"));
    for (const [index, content] of contents.entries()) {
      const file = join(root, `test/unit/file-${index}.test.ts`);
      writeFileSync(file, `import { expect, test } from "vitest";\n${content}`);
    }
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
  const { code, lastLines } = await runFiles(passes);
  expect(code).toBe(0);
  expect(lastLines[1]).toBe("1 passed, 0 failed");
});

test("where everything is installed a test that is skipped fails the run", async () => {
  const { code, lastLines } = await runFiles(`${passes} test.skip("is skipped", () => undefined);`);
  expect(code).toBe(1);
  expect(lastLines[0]).toContain("although everything that tests need is installed");
  expect(lastLines[1]).toBe("1 passed, 0 failed, 1 skipped");
});

test("a test that fails, an error that no test waits for, and a file that cannot be loaded are counted in the last line", async () => {
  const { code, output, lastLines } = await runFiles(
    `${passes} test("fails", () => expect(1).toBe(2));`,
    `${passes} setTimeout(() => { throw new Error("late"); }); await new Promise((r) => setTimeout(r, 50));`,
    'import "./nowhere.ts";',
  );
  expect(code).toBe(1);
  expect(output).toContain("nowhere.ts");
  expect(output).toContain("late");
  expect(lastLines[1]).toBe("2 passed, 3 failed");
});
