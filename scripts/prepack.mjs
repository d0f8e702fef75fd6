// Makes the package in the current folder ready to be packed: builds what is older than its sources, and takes out of
// its manifest what holds in this repository alone. postpack.mjs puts the manifest back.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.cwd();
const { fail, projectFolder } = await import("./project.mjs");
const manifestFile = join(folder, "package.json");
const keptFile = join(folder, "package.json.unpacked");

try {
  execFileSync(process.execPath, [join(projectFolder, "scripts/build.mjs"), "--if-missing"], {
    stdio: ["ignore", 2, 2],
  });
} catch {
  fail("The build failed: the reason is above.");
}

// What an interrupted run has kept is the manifest as it was, and counts.
const original = readFileSync(existsSync(keptFile) ? keptFile : manifestFile, "utf8");
writeFileSync(keptFile, original);
const { devDependencies: _, ...manifest } = JSON.parse(original);
// The condition names sources, which are not packed.
for (const target of Object.values(manifest.exports)) delete target["@holdfast/source"];
writeFileSync(manifestFile, `${JSON.stringify(manifest, null, 2)}\n`);
