import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Refusal } from "./refusal.ts";

/** Beside the bundled command in `dist/`, where the build puts it. */
const templateFolder = fileURLToPath(new URL("./template/", import.meta.url));
const ownManifest = new URL("../package.json", import.meta.url);
/** What the template calls its application. */
const templateName = "my-holdfast-app";
/** The files of the template that say the application's name. */
const namedFiles = ["package.json", "s.yaml", "README.md", "index.html"];

/** Writes an application into a new or empty folder, and tells the next steps. Throws a Refusal. */
export function init(args: readonly string[]): string {
  const [folder, ...others] = args;
  if (folder === undefined || folder.startsWith("-") || others.length > 0) {
    throw new Refusal("`holdfast init` takes the folder of the new application: for example `holdfast init my-app`.");
  }
  const path = resolve(folder);
  refuseWhatIsTaken(path, folder);
  mkdirSync(path, { recursive: true });
  cpSync(templateFolder, path, { recursive: true });
  // npm leaves a .gitignore out of what it packs, or reads it; so the template's has another name.
  renameSync(join(path, "gitignore"), join(path, ".gitignore"));
  const name = applicationName(basename(path));
  for (const file of namedFiles) rewrite(join(path, file), (text) => text.replaceAll(templateName, name));
  rewrite(join(path, "package.json"), withVersion);
  return `An application is in ${folder}. Next:

  cd ${folder}
  npm install
  npm start        # then open http://localhost:9000 in two tabs

Its README.md says what each file is for, and how to deploy it.`;
}

function refuseWhatIsTaken(path: string, folder: string): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isDirectory()) throw new Refusal(`${folder} is a file: name a folder that is new or empty.`);
  const [first] = readdirSync(path);
  if (first === undefined) return;
  throw new Refusal(
    `${folder} is not empty (it holds ${first}): name a folder that is new or empty. Nothing was written.`,
  );
}

/** A folder's name as a package and a function of the platform may be called: a-z, 0-9 and -, a letter first. */
function applicationName(folderName: string): string {
  const name = folderName
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+|-+$/g, "")
    .slice(0, 60);
  return name === "" ? templateName : name;
}

function rewrite(file: string, change: (text: string) => string): void {
  writeFileSync(file, change(readFileSync(file, "utf8")));
}

/** The application uses the version of both packages that wrote it. */
function withVersion(text: string): string {
  const { version }: { version: string } = JSON.parse(readFileSync(ownManifest, "utf8"));
  return text.replace(/("@holdfast\/(?:client|server)": )"[^"]*"/g, `$1"^${version}"`);
}
