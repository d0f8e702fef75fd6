import { defineConfig } from "vitest/config";

export default defineConfig({
  // The server's build takes Redis scripts in as text; so do the tests of its parts.
  plugins: [
    {
      name: "lua-as-text",
      enforce: "pre",
      transform: (code, id) => (id.endsWith(".lua") ? `export default ${JSON.stringify(code)};` : undefined),
    },
  ],
  resolve: { conditions: ["@holdfast/source"] },
  ssr: { resolve: { conditions: ["@holdfast/source"] } },
  test: {
    include: ["test/**/*.test.ts"],
    // The process tests run what is deployed, so it is built once, first.
    globalSetup: ["test/support/build-once.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters: ["default"],
  },
});
