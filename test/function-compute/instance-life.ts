import { setTimeout as delay } from "node:timers/promises";
import type { Emitter } from "./events.ts";
import { watchHealth } from "./health-check.ts";
import { callHook } from "./lifecycle.ts";
import type { Entry } from "./pool-entry.ts";
import type { StopSignal } from "./profile.ts";
import { profileOf } from "./profiles.ts";
import type { HealthCheckSettings } from "./settings.ts";

/** Notes and tells each turn of an instance's health, for as long as it lives. */
export function tellHealth({ instance, life }: Entry, healthCheck: HealthCheckSettings, events: Emitter): void {
  const turn = (healthy: boolean) => {
    instance.healthy = healthy;
    events.emit("instance:health", { instanceId: instance.id, healthy });
  };
  // The watch ends by the abort of the instance's life, and by nothing else.
  watchHealth(instance, healthCheck, life.signal, turn).catch(() => undefined);
}

/** The planned end of an instance that is not frozen: no new requests, its pre-stop hook, then the end of its process. */
export async function takeDown(entry: Entry, events: Emitter): Promise<void> {
  const { instance, life, gone } = entry;
  const { preStop, signalAtEnd } = instance.version.settings;
  const { stop } = profileOf(instance.version.settings);
  const wasUp = instance.state !== "starting" && instance.state !== "gone";
  if (wasUp && stop !== null && stop !== "hook") await signalTheEnd(entry, stop, events);
  instance.state = "stopping";
  if (preStop && wasUp && stop === "hook") {
    try {
      await callHook(instance, "preStop", preStop);
    } catch (error) {
      events.emit("instance:output", { instanceId: instance.id, line: String(error) });
    }
    if (signalAtEnd !== null) {
      instance.terminate(signalAtEnd);
      await Promise.race([instance.exited(), delay(afterSignalMs)]);
    }
  }
  life.abort();
  instance.kill();
  await gone;
}

/** Function Compute documents no signal; where it sends one, nobody knows how long the process has. */
const afterSignalMs = 500;
const betweenSignalsMs = 100;

/** The signal, and the time that the process has; for a moment new connections still come to it. */
async function signalTheEnd({ instance }: Entry, stop: StopSignal, events: Emitter): Promise<void> {
  const { signal, graceMs, times, routedMs } = stop;
  const startedMs = performance.now();
  let inTime = false;
  const exited = instance.exited().then(() => {
    inTime = true;
  });
  const isOver = Promise.race([exited, delay(graceMs, undefined, { ref: false })]);
  setTimeout(() => {
    if (instance.state !== "gone") instance.state = "stopping";
  }, routedMs);
  for (let sent = 0; sent < times; sent += 1) {
    instance.terminate(signal);
    await Promise.race([exited, delay(betweenSignalsMs, undefined, { ref: false })]);
  }
  await isOver;
  const tookMs = Math.round(performance.now() - startedMs);
  events.emit("instance:signalled", { instanceId: instance.id, inTime, tookMs });
}
