// Puts back the files that prepack.mjs has kept.
import { renameSync } from "node:fs";

for (const name of ["package.json", "README.md"]) renameSync(`unpacked-${name}`, name);
