import { configDefaults, defineConfig } from "vitest/config";
import { ClosingLines } from "./test/support/closing-lines.ts";

const unitTests = "test/unit/**/*.test.ts";
const packageTests = "test/package/**/*.test.ts";
/** They wait more than they compute. */
const partTests =
  "test/{application,cluster,command-line,deploy,faults,function-compute,integration,support}/**/*.test.ts";
const buildOnce = "test/support/build-once.ts";

export default defineConfig({
  // The server's build takes Redis scripts and its page in as text; so do the tests of its parts.
  plugins: [
    {
      name: "files-as-text",
      enforce: "pre",
      transform: (code, id) => (/\.(lua|html)$/.test(id) ? `export default ${JSON.stringify(code)};` : undefined),
    },
  ],
  resolve: { conditions: ["@holdfast/source"] },
  ssr: { resolve: { conditions: ["@holdfast/source"] } },
  test: {
    pool: "forks",
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Tests that say that they may overlap: those that wait, for leases and tokens to end.
    maxConcurrency: 4,
    reporters: ["default", new ClosingLines()],
    // Tests that are timed take a busy machine for a late answer, so no more files run at once than two cores carry, and one
    // group after the other. Files of a project with `isolate: false` share what is imported, and leave nothing behind.
    projects: [
      { extends: true, test: { name: "unit", include: [unitTests], isolate: false, maxWorkers: 2 } },
      {
        extends: true,
        test: {
          name: "parts",
          include: [partTests],
          isolate: false,
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
          globalSetup: [buildOnce],
        },
      },
      {
        extends: true,
        test: {
          name: "whole",
          include: ["test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, unitTests, partTests, packageTests],
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
          // The process tests run what is deployed, so it is built once, first.
          globalSetup: [buildOnce],
        },
      },
      {
        extends: true,
        test: {
          name: "package",
          include: [packageTests],
          maxWorkers: 2,
          sequence: { groupOrder: 3 },
          globalSetup: [buildOnce, "test/support/pack-once.ts"],
        },
      },
    ],
  },
});
