import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { askInstance } from "./ask-instance.ts";
import { platformHeaders } from "./headers.ts";
import { probe } from "./health-check.ts";
import type { Instance } from "./instance.ts";
import { RefusedError, refusals } from "./refusals.ts";
import type { HookSettings } from "./settings.ts";

const hooks = {
  initialize: { method: "POST", path: "/initialize" },
  preStop: { method: "GET", path: "/pre-stop" },
} as const;

/**
 * Calls a lifecycle hook of an instance. Hooks are billed like requests.
 *
 * @throws Error when it answers with anything but 2xx, or not in time.
 */
export async function callHook(instance: Instance, name: keyof typeof hooks, hook: HookSettings): Promise<void> {
  const { method, path } = hooks[name];
  const { settings } = instance.version;
  const controlPath = name === "preStop" ? settings.preStopControlPath : path;
  const headers = platformHeaders(settings, { id: randomUUID(), controlPath, kind: "plain" });
  instance.openSpan();
  try {
    const status = await askInstance(instance, { method, path, headers, timeoutMs: hook.timeoutSeconds * 1000 });
    if (status < 200 || status > 299) throw new Error(`${method} ${path} answered ${status}, expected 2xx`);
  } finally {
    instance.closeSpan();
  }
}

/**
 * Starts an instance in the platform's order: process, port, initialize hook, first health check. A first check that
 * fails is a failed start ("Instance startups" of the health check's documentation).
 *
 * @throws RefusedError, with the 412 that the waiting requests are answered with.
 */
export async function bringUp(instance: Instance, signal: AbortSignal): Promise<void> {
  const { initializer, healthCheck, failedInitializer } = instance.version.settings;
  try {
    await instance.spawn(signal);
    if (initializer) {
      try {
        await callHook(instance, "initialize", initializer);
      } catch (error) {
        if (failedInitializer === 412) throw error;
        throw new RefusedError(refusals.notInitialized(String(error)));
      }
    }
    if (healthCheck) {
      await delay(healthCheck.initialDelaySeconds * 1000, undefined, { signal });
      if (!(await probe(instance, healthCheck))) {
        throw new Error(`the first health check of ${healthCheck.httpGetUrl} failed`);
      }
    }
    signal.throwIfAborted();
  } catch (error) {
    if (signal.aborted) throw new RefusedError(refusals.notStarted("it was destroyed meanwhile"));
    if (error instanceof RefusedError) throw error;
    throw new RefusedError(refusals.notStarted(String(error)));
  }
}
