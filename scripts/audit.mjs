// Asks the registry whether a weakness is known of what production installs. A registry that cannot be reached, or that
// answers no such question, fails nothing: that is said, and asked again the next time.
import { spawnSync } from "node:child_process";
import "./project.mjs";

const waitMs = 60_000;
const { stdout } = spawnSync("npm", ["audit", "--omit=dev", "--json"], { encoding: "utf8", timeout: waitMs });
const { passes, lines } = verdictOf(stdout ?? "");
console.log(lines.join("\n"));
process.exitCode = passes ? 0 : 1;

/** What the answer of `npm audit --json` says: any known weakness fails, and no answer does not. */
function verdictOf(text) {
  const report = parse(text);
  const { vulnerabilities } = Object(report);
  if (typeof vulnerabilities !== "object" || vulnerabilities === null) {
    const reason = Object(report).message ?? Object(Object(report).error).summary ?? "no answer";
    return { passes: true, lines: [`Not audited: the registry did not say what is known (${reason}).`] };
  }
  const found = Object.values(vulnerabilities);
  if (found.length === 0) return { passes: true, lines: ["None is known."] };
  return { passes: false, lines: found.map(({ name, severity, range }) => `${name} ${range}: ${severity}`) };
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
