import { execFile } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { repository } from "../support/markdown.ts";

/** What the audit says and ends with, where `npm audit` prints this. */
async function audit(printed: string): Promise<{ readonly code: number; readonly output: string }> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-npm-"));
  try {
    const npm = join(folder, "npm");
    await writeFile(npm, `#!/bin/sh\ncat <<'END'\n${printed}\nEND\n`);
    await chmod(npm, 0o755);
    const run = promisify(execFile)(process.execPath, ["scripts/audit.mjs"], {
      cwd: repository,
      env: { PATH: `${folder}:${process.env.PATH}` },
    });
    return await run.then(
      ({ stdout }) => ({ code: 0, output: stdout }),
      ({ code, stdout }: { readonly code: number; readonly stdout: string }) => ({ code, output: stdout }),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const weakness = { name: "ws", severity: "high", range: "<8.21.0" };

test.concurrent.each([
  ["no known weakness passes", { vulnerabilities: {} }, 0, "None is known."],
  ["a known weakness fails, and is named", { vulnerabilities: { ws: weakness } }, 1, "ws <8.21.0: high"],
  ["a registry that refuses the question fails nothing, and is named", { message: "405 Method" }, 0, "405 Method"],
  ["a registry out of reach fails nothing, and is named", { error: { summary: "ENOTFOUND" } }, 0, "ENOTFOUND"],
])("%s", async (_title, report, code, told) => {
  expect(await audit(JSON.stringify(report))).toEqual({ code, output: expect.stringContaining(told) });
});

test("an audit that answers nothing fails nothing, and says so", async () => {
  expect(await audit("")).toEqual({ code: 0, output: expect.stringContaining("Not audited") });
});
