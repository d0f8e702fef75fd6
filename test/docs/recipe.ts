import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { ManagedProcess } from "../support/managed-process.ts";
import { namedExamples, read, repository } from "../support/markdown.ts";

/** The pages that are whole applications, and the one that is a script. */
export const recipePages = [
  ...readdirSync(join(repository, "docs/recipes"))
    .filter((name) => name !== "README.md")
    .map((name) => `recipes/${name}`),
  "five-minutes.md",
];

/** The files of one or more pages, each page in a folder of its own, where the project's packages are found. */
export class RecipeFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "holdfast-recipe-"));

  constructor() {
    symlinkSync(join(repository, "node_modules"), join(this.path, "node_modules"));
    this.write("package.json", JSON.stringify({ type: "module" }));
  }

  /** Writes a file, which may be in a folder that exists. */
  write(name: string, text: string): void {
    writeFileSync(join(this.path, name), text);
  }

  /** Writes the files of a page, with another port than the one that it names. Returns their names. */
  writePage(page: string, port = 9000): string[] {
    const files = namedExamples(read(`docs/${page}`));
    for (const [name, text] of Object.entries(files))
      this.write(name, text.replaceAll("localhost:9000", `127.0.0.1:${port}`));
    return Object.keys(files);
  }

  /** Runs one of the files with those that it imports. */
  run(name: string, env: Readonly<Record<string, string>>): ManagedProcess {
    const script = name.replace(/\.ts$/, ".mjs");
    buildSync({
      absWorkingDir: this.path,
      entryPoints: [name],
      outfile: script,
      bundle: true,
      packages: "external",
      platform: "node",
      format: "esm",
      target: "node20",
      sourcemap: "inline",
    });
    return new ManagedProcess({
      command: process.execPath,
      args: ["--enable-source-maps", script],
      env: { PATH: process.env.PATH, ...env },
      cwd: this.path,
    });
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
