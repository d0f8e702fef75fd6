import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { ManagedProcess } from "../support/managed-process.ts";
import { withTimeout } from "../support/wait.ts";

const script = fileURLToPath(new URL("../../.ci/run", import.meta.url));
const runnersLine = "7 passed, 1 failed";

/** Stands in for npm: says what it was asked for, and fails where it is told to. */
const npm = `#!/bin/sh
echo "ran: npm $*"
case "$*" in
  *check*) exit "$CHECK" ;;
  *test:node*) exit "$OTHER_NODE" ;;
  *test*) echo "${runnersLine}"; exit "$TESTS" ;;
esac
`;

/** Runs .ci/run with everything installed and an npm that only pretends. */
async function runCi(outcome: { readonly CHECK: string; readonly OTHER_NODE: string; readonly TESTS: string }) {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-ci-"));
  try {
    const bin = join(folder, "bin");
    for (const name of [bin, join(folder, ".ci")]) mkdirSync(name);
    cpSync(script, join(folder, ".ci/run"));
    for (const [name, content] of Object.entries({ npm, "redis-server": "", chromium: "", faketime: "" })) {
      writeFileSync(join(bin, name), content === "" ? "#!/bin/sh\n" : content);
      chmodSync(join(bin, name), 0o755);
    }
    await using run = new ManagedProcess({
      command: join(folder, ".ci/run"),
      args: [],
      env: { PATH: `${bin}:${process.env.PATH}`, ...outcome },
      cwd: folder,
    });
    const { code } = await withTimeout(run.exit, ".ci/run to end");
    return { code, lines: run.output.trimEnd().split("\n") };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test.each([
  ["all is well", "0", "0", "0", 0],
  ["a check fails", "1", "0", "0", 1],
  ["a test fails", "0", "0", "1", 1],
  ["a test fails under another Node.js", "0", "1", "0", 1],
  ["all fail", "1", "1", "1", 1],
])(
  "where %s .ci/run names each step, runs checks and tests, tells the outcome by its code, and ends with the runner's counts",
  async (_what, CHECK, OTHER_NODE, TESTS, expected) => {
    const { code, lines } = await runCi({ CHECK, OTHER_NODE, TESTS });
    expect(code).toBe(expected);
    const otherNodes = ["22", "24"].map((version) => `npm run test:node --silent -- ${version}`);
    const steps = ["npm ci", "npm run check", ...otherNodes, "npm test --silent"];
    expect(lines).toEqual([...steps.flatMap((step) => [`$ ${step}`, `ran: ${step}`]), runnersLine]);
  },
);
