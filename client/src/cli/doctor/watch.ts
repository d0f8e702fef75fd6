import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import type { Socket } from "socket.io-client";
import { ask, request } from "./connection.ts";
import { type Check, fail, type Outcome, ok, skipped, type Visit, warn } from "./finding.ts";

/** How often the busy connection says something. */
const busyEveryMs = 500;
/** Two connections that were cut at ages this close to each other were cut for their age. */
const sameAgeMs = 1_500;

/** What became of a connection. */
type Fate =
  | { readonly type: "alive" }
  | { readonly type: "announced"; readonly ageMs: number; readonly reason: string }
  | { readonly type: "cut"; readonly ageMs: number; readonly silentMs: number };

export const watch: Check = {
  name: "watch",
  looksAt: "whether something cuts connections, for `--watch` seconds: a quiet one and a busy one",
  needs: ["admission"],
  async run(visit) {
    if (visit.watchSeconds === 0) return skipped("watch connections for a while with --watch 70");
    const attempts = await Promise.all([ask(visit), ask(visit)]);
    const sockets = attempts.flatMap((attempt) => (attempt.type === "admitted" ? [attempt.socket] : []));
    try {
      const [quiet, busy] = sockets;
      if (quiet === undefined || busy === undefined) return skipped("a client was not admitted this time");
      const [fateOfQuiet, fateOfBusy] = await Promise.all([follow(quiet, visit, false), follow(busy, visit, true)]);
      return judgeFates(visit.watchSeconds, fateOfQuiet, fateOfBusy);
    } finally {
      for (const socket of sockets) socket.disconnect();
    }
  },
};

async function follow(socket: Socket, { watchSeconds, interrupted }: Visit, isBusy: boolean): Promise<Fate> {
  const openedMs = performance.now();
  let heardMs = openedMs;
  const hear = () => {
    heardMs = performance.now();
  };
  socket.io.engine.on("packet", hear).on("packetCreate", hear);
  const end = new AbortController();
  const signal = AbortSignal.any([end.signal, interrupted]);
  const fate = new Promise<Fate>((resolve) => {
    const ageMs = () => performance.now() - openedMs;
    socket.once("disconnect", () => resolve({ type: "cut", ageMs: ageMs(), silentMs: performance.now() - heardMs }));
    socket.once("connection:expiring", (notice: { readonly reason?: string }) => {
      resolve({ type: "announced", ageMs: ageMs(), reason: String(notice?.reason) });
    });
  });
  const over = delay(watchSeconds * 1000, undefined, { signal }).catch(() => undefined);
  const chat = isBusy ? chatter(socket, signal) : undefined;
  const found = await Promise.race([fate, over.then((): Fate => ({ type: "alive" }))]);
  end.abort();
  await chat;
  return found;
}

async function chatter(socket: Socket, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    void request(socket, "echo", null, busyEveryMs);
    await delay(busyEveryMs, undefined, { signal }).catch(() => undefined);
  }
}

/** What two connections of one way, a quiet and a busy one, tell about that way. */
export function judgeFates(watchSeconds: number, quiet: Fate, busy: Fate): Outcome {
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  const announced = [quiet, busy].find((fate) => fate.type === "announced");
  if (announced?.type === "announced") {
    return ok(
      `the server announced after ${seconds(announced.ageMs)} that the connection will end (${announced.reason}): clients move before`,
    );
  }
  if (quiet.type === "cut" && busy.type === "cut" && Math.abs(quiet.ageMs - busy.ageMs) <= sameAgeMs) {
    return fail(
      `every connection is cut after ${seconds(quiet.ageMs)}, unannounced`,
      `Where a platform or proxy limits a connection's life, tell the server with FUNCTION_TIMEOUT_SECONDS=${Math.floor(quiet.ageMs / 1000)}: it moves its clients before. Otherwise raise that limit, or see why the server ended.`,
    );
  }
  if (quiet.type === "cut" && busy.type === "alive") {
    return fail(
      `a connection without traffic is cut after ${seconds(quiet.silentMs)} of silence, a busy one is not`,
      "Raise the idle time-out of the proxy, load balancer or firewall above 10 s (in nginx: proxy_read_timeout and proxy_send_timeout): the server pings every 5 s.",
    );
  }
  const cut = [quiet, busy].find((fate) => fate.type === "cut");
  if (cut?.type === "cut") {
    return warn(
      `a connection was cut after ${seconds(cut.ageMs)}, another was not`,
      "Watch again, and look at the log of the server and of the proxy.",
    );
  }
  return ok(`two connections lived for ${watchSeconds} s`);
}
