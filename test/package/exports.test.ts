import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, expect, test } from "vitest";
import { besidePacked, type Packed } from "../support/beside-packed.ts";
import { anchorOf, codes, headings, tableUnder } from "../support/markdown.ts";
import { entriesOf, repository, run } from "../support/packed.ts";

// What npm would publish, held against what installs and resolves. Nothing here asks the network.

let packed: Packed;
beforeAll(async () => {
  packed = await besidePacked();
}, 120_000);
afterAll(async () => {
  await packed[Symbol.asyncDispose]();
});

const packages = ["client", "server"] as const;

async function manifestOf(name: "client" | "server") {
  const text = await run("tar", ["-xzOf", packed[name], "package/package.json"], packed.folder);
  return { text, manifest: JSON.parse(text) };
}

test.each(packages)("the packed %s holds its build, its pages and its licence, and nothing else", async (name) => {
  const entries = await entriesOf(packed[name]);
  const pages = [...(name === "client" ? ["PROTOCOL.md"] : []), "README.md", "THIRD-PARTY.md"];
  expect(entries.filter((entry) => !entry.startsWith("dist/"))).toEqual(["LICENSE", ...pages, "package.json"].sort());
  const built = entries.filter((entry) => entry.startsWith("dist/") && !entry.startsWith("dist/template/"));
  expect(built.filter((entry) => !/\.(js|js\.map|d\.ts)$/.test(entry))).toEqual([]);
  for (const entry of ["dist/index.js", "dist/index.js.map", "dist/index.d.ts"]) expect(built).toContain(entry);
});

test.each(packages)("every file that the packed %s's manifest names is packed", async (name) => {
  const { manifest, text } = await manifestOf(name);
  expect(text).not.toContain("@holdfast/source");
  const entries = await entriesOf(packed[name]);
  const named = [...text.matchAll(/"(?:\.\/)?((?:dist|src)\/[^"]+)"/g)].map(([, file]) => file);
  expect(named.length).toBeGreaterThanOrEqual(2);
  for (const file of named) expect(entries).toContain(file);
  expect(manifest.private).toBeUndefined();
});

test.each(packages)(
  "every relative link of the packed %s's pages leads into the package or its sibling",
  async (name) => {
    const page = async (file: string) => run("tar", ["-xzOf", packed[name], `package/${file}`], packed.folder);
    const files = (await entriesOf(packed[name])).filter((entry) => /^[^/]+\.md$/.test(entry));
    const siblings = await Promise.all(packages.map(async (one) => [one, await entriesOf(packed[one])] as const));
    const found = new Set(siblings.flatMap(([one, entries]) => entries.map((entry) => `${one}/${entry}`)));
    for (const file of files) {
      const markdown = await page(file);
      const anchors = headings(markdown).map(anchorOf);
      const links = [...markdown.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
      const dead = links.filter((link) => {
        const [path = "", anchor] = link.split("#");
        if (/^[a-z]+:/.test(link)) return false;
        return path === "" ? !anchors.includes(anchor ?? "") : !found.has(join(name, path));
      });
      expect(dead, file).toEqual([]);
    }
  },
);

test("the packed server's README has the table of settings", async () => {
  const markdown = await run("tar", ["-xzOf", packed.server, "package/README.md"], packed.folder);
  expect(tableUnder(markdown, "Settings").flatMap((row) => codes(row.Variable ?? ""))).toContain("REDIS_URL");
});

test("packing leaves what it changes as it was, with its time, so that nothing has to be built again", async () => {
  for (const file of packages.flatMap((name) => [`${name}/package.json`, `${name}/README.md`])) {
    const [before, after] = [join(repository, file), join(packed.copy, file)];
    expect(await readFile(after, "utf8")).toBe(await readFile(before, "utf8"));
    // The copy has lost what is less than a millisecond.
    const [now, then] = [(await stat(after)).mtimeMs, (await stat(before)).mtimeMs];
    expect(Math.abs(now - then), file).toBeLessThan(2);
  }
});

test.each(packages)("publint has nothing to say about the packed %s", async (name) => {
  const tarball = await readFile(packed[name]);
  const { messages, pkg = {} } = await publint({ strict: true, pack: { tarball: new Uint8Array(tarball).buffer } });
  expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
});

test.each(packages)("the types of the packed %s are right in every way to resolve an ES module", async (name) => {
  const attw = join(repository, "node_modules/.bin/attw");
  const args = [packed[name], "--profile", "esm-only", "--no-definitely-typed", "--format", "ascii", "--no-color"];
  // It exits with 1, which rejects, where a resolution that counts has a problem.
  expect(await run(attw, args, packed.folder)).toMatch(/bundler: 🟢/);
});

test("no type of hono, pino, redis or Socket.IO is in a declaration that an application sees", async () => {
  const { manifest } = await manifestOf("server");
  const libraries = Object.keys(manifest.dependencies).filter((name) => /hono|pino|redis|socket\.io/.test(name));
  expect(libraries.length).toBeGreaterThanOrEqual(4);
  const seen = new Set<string>();
  const visit = async (file: string): Promise<void> => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = await readFile(join(repository, file), "utf8");
    for (const [, from = ""] of text.matchAll(/from "([^"]+)"/g)) {
      expect(libraries, `${file} imports ${from}`).not.toContain(from);
      if (from.startsWith(".")) await visit(join(file, "..", from.replace(/\.(js|ts)$/, ".d.ts")));
    }
  };
  for (const { types } of Object.values<{ types?: string }>(manifest.exports)) {
    if (types !== undefined) await visit(join("server", types));
  }
});
