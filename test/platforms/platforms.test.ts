import { test } from "vitest";
import { type EmulatorSettings, type PlatformName, profiles } from "../function-compute/index.ts";
import { deployOn } from "./deploy-on.ts";
import { Scene } from "./scene.ts";

interface Act {
  readonly clients: number;
  /** The platform's own times, scaled down. */
  readonly settings: Partial<EmulatorSettings>;
  readonly env?: Readonly<Record<string, string>>;
}

/** Notices come between half and three quarters of a lifetime. */
const lives = { timeoutSeconds: 16, minInstances: 2, maxInstances: 6 };
const replaced = { minInstances: 2, maxInstances: 6 };

const acts: Record<PlatformName, Act> = {
  "function-compute": { clients: 8, settings: lives },
  functiongraph: { clients: 8, settings: lives },
  // Each connection has an instance of its own, so a move waits for a start.
  scf: { clients: 3, settings: { ...lives, timeoutSeconds: 20, minInstances: 3, maxInstances: 10 } },
  // Nobody tells the lifetime there.
  vercel: { clients: 8, settings: lives, env: { FUNCTION_TIMEOUT_SECONDS: "16" } },
  "cloud-run": { clients: 8, settings: lives },
  kubernetes: { clients: 8, settings: replaced, env: { DRAIN_SECONDS: "2" } },
  heroku: { clients: 8, settings: { ...replaced, instanceLifeSeconds: 6 }, env: { DRAIN_SECONDS: "2" } },
  fly: { clients: 8, settings: replaced },
};

test.concurrent.each(Object.entries(acts) as [PlatformName, Act][])(
  "on %s clients move before they are cut: nothing is lost, nothing comes twice, and no deadline is reached",
  { timeout: 120_000 },
  async (name, { clients, settings, env = {} }) => {
    await using deployment = await deployOn(name, { settings, env });
    const { platform } = deployment;
    await using scene = await Scene.begin(platform, clients);
    // A deploy, where it ends instances; elsewhere each connection's own deadline, or the instance's age.
    if (profiles[name].update === "replaces" && settings.instanceLifeSeconds === undefined) {
      await platform.update({ env: { RELEASE: "2" } });
    }
    await scene.everybodyMoved(1);
    await scene.expectNothingNoticed();
  },
);
