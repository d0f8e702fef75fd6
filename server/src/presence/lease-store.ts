import { runScript, script } from "../redis/scripts.ts";
import type { SupervisedClient } from "../redis/supervised-client.ts";
import burySource from "./bury.lua";
import type { LeaseView } from "./lease-view.ts";
import leasesSource from "./leases.lua";
import renewSource from "./renew.lua";

const renewScript = script({ flags: "allow-oom" }, leasesSource, renewSource);
const buryScript = script({ flags: "allow-oom" }, leasesSource, burySource);

/** What is asked for with a lease, see renew.lua. */
export type RenewalKind = "new" | "held" | "last" | "drop";

/** The leases of the instances in Redis. */
export class LeaseStore {
  readonly #redis: Pick<SupervisedClient, "run">;
  readonly #key: string;
  readonly #leaseMs: number;

  constructor(redis: Pick<SupervisedClient, "run">, key: string, leaseMs: number) {
    this.#redis = redis;
    this.#key = key;
    this.#leaseMs = leaseMs;
  }

  /** Renews a lease and answers what is known of all. Throws UNAVAILABLE. */
  async renew(name: string, holdsMs: number, kind: RenewalKind): Promise<LeaseView | "lapsed"> {
    const args = [String(this.#leaseMs), name, String(Math.round(holdsMs)), kind];
    const answer = await runScript(this.#redis, renewScript, [this.#key], args);
    const [now, end, calm, ...leases] = (answer as readonly unknown[]).map(String);
    if (now === "LAPSED") return "lapsed";
    const ends = new Map<string, number>();
    for (let at = 0; at < leases.length; at += 2) ends.set(leases[at] ?? "", Number(leases[at + 1]));
    return { redisNowMs: Number(now), ownEndMs: Number(end), calmUntilMs: Number(calm), ends };
  }

  /** Gives up the leases of these instances where they have ended. Answers which of them are gone. Throws UNAVAILABLE. */
  async bury(names: readonly string[]): Promise<readonly string[]> {
    const answer = await runScript(this.#redis, buryScript, [this.#key], [String(this.#leaseMs), ...names]);
    return (answer as readonly unknown[]).map(String);
  }
}
