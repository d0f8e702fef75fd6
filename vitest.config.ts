import { configDefaults, defineConfig } from "vitest/config";
import { ClosingLines } from "./test/support/closing-lines.ts";

const unitTests = "test/unit/**/*.test.ts";
const packageTests = "test/package/**/*.test.ts";
/** Tests in which processes freeze, move or end at a moment, and others have to notice it in time. */
const timedTests = [
  "test/{end-to-end,function-compute,platforms,process}/**/*.test.ts",
  "test/integration/instances*.test.ts",
];
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
    reporters: ["default", new ClosingLines()],
    // Most tests wait more than they compute, so more of them run than a small machine has processors. Those that compute
    // come before, and those that would take a busy machine for a late answer after them.
    projects: [
      // They keep nothing outside themselves, so they share what is imported, which is half of their time.
      { extends: true, test: { name: "unit", include: [unitTests], isolate: false, ...group(0, 2) } },
      {
        extends: true,
        test: {
          name: "package",
          include: [packageTests],
          globalSetup: [buildOnce, "test/support/pack-once.ts"],
          ...group(1, 2),
        },
      },
      {
        extends: true,
        test: {
          name: "built",
          include: ["test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, unitTests, packageTests, ...timedTests],
          // The process tests run what is deployed, so it is built once, first.
          globalSetup: [buildOnce],
          ...group(2, 3),
        },
      },
      { extends: true, test: { name: "timed", include: timedTests, globalSetup: [buildOnce], ...group(3, 2) } },
    ],
  },
});

/** Projects of one order run together, by so many workers. */
function group(groupOrder: number, maxWorkers: number) {
  return { sequence: { groupOrder }, maxWorkers };
}
