// Puts back the manifest that prepack.mjs has kept.
import { renameSync } from "node:fs";

renameSync("package.json.unpacked", "package.json");
