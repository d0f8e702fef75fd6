import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** When a file below a folder, builds and dependencies left out, was changed last, in milliseconds since 1970. */
export function newestChangeMs(folder) {
  let newest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || /[\\/](dist|node_modules)([\\/]|$)/.test(entry.parentPath)) continue;
    newest = Math.max(newest, statSync(join(entry.parentPath, entry.name)).mtimeMs);
  }
  return newest;
}
