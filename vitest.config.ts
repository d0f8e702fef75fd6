import { configDefaults, defineConfig } from "vitest/config";
import { ClosingLines } from "./test/support/closing-lines.ts";

const unitTests = "test/unit/**/*.test.ts";
const packageTests = "test/package/**/*.test.ts";
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
    // Tests that are timed take a busy machine for a late answer.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters: ["default", new ClosingLines()],
    projects: [
      // They keep nothing outside themselves, so they share what is imported, which is half of their time.
      { extends: true, test: { name: "unit", include: [unitTests], isolate: false } },
      {
        extends: true,
        test: { name: "package", include: [packageTests], globalSetup: [buildOnce, "test/support/pack-once.ts"] },
      },
      {
        extends: true,
        test: {
          name: "built",
          include: ["test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, unitTests, packageTests],
          // The process tests run what is deployed, so it is built once, first.
          globalSetup: [buildOnce],
        },
      },
    ],
  },
});
