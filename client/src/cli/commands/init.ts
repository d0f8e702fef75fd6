import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { defineCommand } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { ownVersion } from "../own-version.ts";
import { Refusal } from "../refusal.ts";

/** Beside the bundled command in `dist/`, where the build puts it. */
const templateFolder = fileURLToPath(new URL("./template/", import.meta.url));
/** What the template calls its application. */
const templateName = "my-holdfast-app";
/** The files of the template that say the application's name. */
const namedFiles = ["package.json", "s.yaml", "README.md", "index.html"];

export const init = defineCommand({
  name: "init",
  args: ["DIR"],
  summary: "writes an application of your own into DIR: a contract, a server, a page",
  options: {},
  examples: ["init my-app"],
  run({ args: [folder = ""], options, terminal }) {
    const name = writeApplication(folder);
    terminal.out(options.json ? JSON.stringify({ folder, name }) : nextSteps(folder));
    return exitCodes.fine;
  },
});

/** Writes an application into a new or empty folder, and gives its name. Throws a Refusal. */
function writeApplication(folder: string): string {
  const path = resolve(folder);
  refuseWhatIsTaken(path, folder);
  mkdirSync(path, { recursive: true });
  cpSync(templateFolder, path, { recursive: true });
  // npm leaves a .gitignore out of what it packs, or reads it; so the template's has another name.
  renameSync(join(path, "gitignore"), join(path, ".gitignore"));
  const name = applicationName(basename(path));
  for (const file of namedFiles) rewrite(join(path, file), (text) => text.replaceAll(templateName, name));
  rewrite(join(path, "package.json"), withVersion);
  return name;
}

function nextSteps(folder: string): string {
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
  return text.replace(/("@holdfast\/(?:client|server)": )"[^"]*"/g, `$1"^${ownVersion()}"`);
}
