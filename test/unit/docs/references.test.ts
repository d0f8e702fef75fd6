import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import * as z from "zod";
import {
  anchorOf,
  codes,
  headings,
  listUnder,
  markdownFiles,
  read,
  repository,
  tableUnder,
} from "../../support/markdown.ts";

const files = markdownFiles();
const { scripts } = z.object({ scripts: z.record(z.string(), z.string()) }).parse(JSON.parse(read("package.json")));

test("the project's pages are all found", () => {
  expect(files).toEqual(expect.arrayContaining(["README.md", "ARCHITECTURE.md", "client/PROTOCOL.md"]));
});

test.each(files)("every relative link of %s leads somewhere", (file) => {
  const markdown = read(file);
  const targets = [...markdown.matchAll(/\]\(([^)\s]+)\)|<img[^>]+src="([^"]+)"/g)].map(
    ([, link, image]) => link ?? image ?? "",
  );
  const dangling = targets.filter((target) => {
    if (/^[a-z]+:/.test(target)) return false;
    const [path = "", anchor] = target.split("#");
    const full = path === "" ? join(repository, file) : join(repository, dirname(file), path);
    if (!existsSync(full)) return true;
    if (anchor === undefined) return false;
    return !headings(readFileSync(full, "utf8")).map(anchorOf).includes(anchor);
  });
  expect(dangling).toEqual([]);
});

test.each(files)("every script that %s tells to run exists", (file) => {
  const named = [...read(file).matchAll(/npm (?:run )?([a-z][a-z:-]*)/g)].map(([, name = ""]) => name);
  const ofNpmItself = new Set(["ci", "init", "install", "pack", "package", "pkg", "run", "workspaces"]);
  expect(named.filter((name) => !(name in scripts) && !ofNpmItself.has(name))).toEqual([]);
});

test.each(files)("every file of the repository that %s names exists", (file) => {
  const paths = codes(read(file)).filter((text) => /^(client|server|test|scripts|docs)\/[\w./-]+$/.test(text));
  const missing = paths.filter((path) => !path.includes("/dist") && !existsSync(join(repository, path)));
  expect(missing).toEqual([]);
});

const architecture = read("ARCHITECTURE.md");
test("the codemap has a sentence for every source folder, and names no other", () => {
  const folders = ["client/src/", "server/src/"].flatMap((root) => [
    root,
    ...readdirSync(join(repository, root), { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `${join(entry.parentPath, entry.name).slice(repository.length)}/`),
  ]);
  const mapped = listUnder(architecture, "Codemap").flatMap((item) => codes(item)[0] ?? []);
  expect(mapped.filter((name) => /^(client|server)\/src\//.test(name)).toSorted()).toEqual(folders.toSorted());
});

test("the dependency rules that the page explains are those that are checked", () => {
  const checked = [...read(".dependency-cruiser.mjs").matchAll(/\bname: "([^"]+)"/g)].map(([, name]) => name);
  expect(tableUnder(architecture, "Dependency rules").flatMap((row) => codes(row.Rule ?? ""))).toEqual(checked);
});

test.each([
  ["ARCHITECTURE.md", "Invariants"],
  ["SECURITY.md", "What was tried"],
])("every test that %s names under %s exists under that title", (file, heading) => {
  const cited = listUnder(read(file), heading);
  expect(cited.length).toBeGreaterThan(15);
  for (const text of cited) {
    const parts = text.split(/(?=`test\/)/).slice(1);
    if (parts.length === 0) throw new Error(`expected a file and titles, got "${text}"`);
    for (const part of parts) {
      const titles = [...part.matchAll(/“([^”]+)”/g)].map(([, title = ""]) => title);
      if (titles.length === 0) throw new Error(`expected titles behind a file, got "${part}"`);
      const source = read(codes(part)[0] ?? "");
      expect(titles.filter((title) => !source.includes(title))).toEqual([]);
    }
  }
});

test("the tests' page has a row for every folder of tests", () => {
  const present = readdirSync(join(repository, "test"), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.parentPath !== join(repository, "test"))
    .map((entry) => entry.parentPath.slice(repository.length).split("/").slice(0, 2).join("/"));
  const named = tableUnder(read("test/README.md"), "Tests").map((row) => row.Folder ?? "");
  expect(named.flatMap(codes).toSorted()).toEqual([...new Set(present)].map((folder) => `${folder}/`).toSorted());
});

test("the tests' page names the parts of the rig", () => {
  const named = tableUnder(read("test/README.md"), "The rig").flatMap((row) => codes(row.Part ?? ""));
  expect(named.filter((file) => !existsSync(join(repository, "test/support", file)))).toEqual([]);
});
