import { createClient } from "redis";
import type { RedisServer } from "../../support/redis-server.ts";
import type { RedisFault } from "./fault.ts";
import type { Recorder } from "./recorder.ts";

/** What the instances of a run keep their logs in, and what can happen to it. Faults come one after the other. */
export interface RedisWeather extends AsyncDisposable {
  /** The masters. */
  readonly urls: readonly string[];
  /** False where there is no such thing to hurt. */
  apply(fault: RedisFault, scene: RedisScene): Promise<boolean>;
}

export interface RedisScene {
  readonly recorder: Recorder;
  /** Waits, and ends early when the weather clears. */
  readonly pause: (forMs: number) => Promise<void>;
}

/** Everything stands still, and goes on. */
export async function freeze(server: RedisServer, forMs: number, { pause }: RedisScene): Promise<true> {
  server.freeze();
  await pause(forMs);
  server.thaw();
  return true;
}

/** It ends, and comes back with all its data. */
export async function restart(
  server: RedisServer,
  { how, downMs }: Pick<Extract<RedisFault, { kind: "restart-redis" }>, "how" | "downMs">,
  { recorder, pause }: RedisScene,
): Promise<true> {
  recorder.pause();
  await (how === "stop" ? server.stop() : server.kill());
  recorder.ended(await server.commandsOnDisk());
  await pause(downMs);
  await server.start();
  recorder.resume();
  return true;
}

/** It is killed, and comes back with what it had before the last moment. */
export async function rewind(
  server: RedisServer,
  { lostMs, downMs }: { readonly lostMs: number; readonly downMs: number },
  { recorder, pause }: RedisScene,
): Promise<true> {
  const snapshot = await server.snapshot();
  await pause(lostMs);
  recorder.pause();
  const atMs = performance.now();
  await server.kill();
  recorder.rewound(await server.commandsOnDisk(), snapshot, atMs);
  await server.rewind(snapshot);
  await pause(downMs);
  await server.start();
  recorder.resume();
  return true;
}

/** CLIENT KILL, as an operator or a hosted Redis does it. False when Redis was away. */
export async function killConnections(url: string, role: "commands" | "subscriptions" | "all"): Promise<boolean> {
  const admin = createClient({
    url,
    disableOfflineQueue: true,
    socket: { reconnectStrategy: false, connectTimeout: 500 },
  });
  admin.on("error", () => undefined); // Redis may be killed or frozen itself at this moment
  try {
    await admin.connect();
    const targets = (await admin.clientList()).filter(
      ({ name }) => name.startsWith("holdfast-") && (role === "all" || name === `holdfast-${role}`),
    );
    for (const { id } of targets) await admin.sendCommand(["CLIENT", "KILL", "ID", String(id)]);
    return targets.length > 0;
  } catch {
    return false;
  } finally {
    admin.destroy();
  }
}
