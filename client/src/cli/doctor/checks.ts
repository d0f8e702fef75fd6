import { admission, rights } from "./admission.ts";
import { delivery } from "./delivery.ts";
import type { Check, Finding, Visit } from "./finding.ts";
import { clock, health, redis } from "./http.ts";
import { address, name, port, tls } from "./reach.ts";
import { token } from "./token.ts";
import { watch } from "./watch.ts";
import { origin, polling, websocket } from "./websocket.ts";

/** The table of checks, in their order: each relies on those before it that it names. */
export const checks: readonly Check[] = [
  address,
  name,
  port,
  tls,
  health,
  redis,
  clock,
  websocket,
  polling,
  origin,
  token,
  admission,
  rights,
  delivery,
  watch,
];

/** Looks at everything, and tells each finding as soon as there is one. */
export async function examine(visit: Visit, tell: (finding: Finding) => void): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  /** Checks that have failed, and those that could not be made because of them. */
  const without = new Set<string>();
  for (const { name: check, needs, run } of checks) {
    const missing = needs.find((need) => without.has(need));
    const outcome: Omit<Finding, "check"> =
      missing === undefined ? await run(visit) : { state: "skipped", found: `needs ${missing}` };
    if (missing !== undefined || outcome.state === "fail") without.add(check);
    const finding = { check, ...outcome };
    findings.push(finding);
    tell(finding);
  }
  return findings;
}
