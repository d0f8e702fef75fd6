// Makes the package in the current folder ready to be packed: builds what is older than its sources, takes out of its
// manifest what holds in this repository alone, and puts into its README the sections of the repository's that it links.
// postpack.mjs puts both files back, with their times, so that the next start has nothing to build.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

const folder = process.cwd();
const { fail, projectFolder } = await import("./project.mjs");

try {
  execFileSync(process.execPath, [join(projectFolder, "scripts/build.mjs"), "--if-missing"], {
    stdio: ["ignore", 2, 2],
  });
} catch {
  fail("The build failed: the reason is above.");
}

replace("package.json", (text) => {
  const { devDependencies: _, ...manifest } = JSON.parse(text);
  // The condition names sources, which are not packed.
  for (const target of Object.values(manifest.exports)) delete target["@holdfast/source"];
  return `${JSON.stringify(manifest, null, 2)}\n`;
});

replace("README.md", (text) => {
  const repositoryPage = readFileSync(join(projectFolder, "README.md"), "utf8");
  const linked = new Set([...text.matchAll(/\]\(\.\.\/README\.md#([\w-]+)\)/g)].map(([, anchor]) => anchor));
  const sections = [...linked].map((anchor) => sectionOf(repositoryPage, anchor));
  // What one page says of the other is then on the same page.
  const own = `](${basename(folder)}/README.md#`;
  return [text, ...sections].join("\n").replaceAll("](../README.md#", "](#").replaceAll(own, "](#");
});

/** Keeps the file under another name, where an interrupted run has not done so, and writes what is packed in its place. */
function replace(name, change) {
  const [file, kept] = [join(folder, name), join(folder, `unpacked-${name}`)];
  const isKept = existsSync(kept);
  const text = change(readFileSync(isKept ? kept : file, "utf8"));
  if (!isKept) renameSync(file, kept);
  writeFileSync(file, text);
}

/** The section of a page whose heading has this anchor. */
function sectionOf(page, anchor) {
  const section = page.split(/^(?=## )/m).find((text) => {
    const [, heading = ""] = /^## (.*)/.exec(text) ?? [];
    return heading.toLowerCase().replaceAll(" ", "-") === anchor;
  });
  return section?.trimEnd().concat("\n") ?? fail(`README.md has no section "${anchor}", which ${folder} links.`);
}
