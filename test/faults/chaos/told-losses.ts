import { setTimeout as delay } from "node:timers/promises";
import type { History } from "./history.ts";
import { reachVerdict, type Verdict } from "./verdict.ts";

/** The periodic check by which an instance reports at the latest that Redis has lost what it knew, and some more. */
const REPORT_MS = 20_000;
const LOOK_MS = 1_000;

/** What everybody saw, when every loss that an instance knew of has been told, or has had its time to be. */
export async function whenLossesAreTold(
  look: () => Promise<History>,
): Promise<{ readonly history: History; readonly verdict: Verdict }> {
  const sinceMs = performance.now();
  for (;;) {
    const history = await look();
    const verdict = reachVerdict(history);
    const isOpen = verdict.problems.some(({ kind }) => kind === "untold-loss");
    if (!isOpen || performance.now() - sinceMs > REPORT_MS) return { history, verdict };
    await delay(LOOK_MS);
  }
}
