import { performance } from "node:perf_hooks";
import { ask, request } from "./connection.ts";
import { type Check, fail, type Outcome, ok, skipped, warn } from "./finding.ts";

const echoes = 10;
/** An echo that takes longer than this, and longer than so many requests over HTTP, is held back on the way. */
const slowMs = 200;
const slowTimes = 4;

export const delivery: Check = {
  name: "delivery",
  looksAt: "whether small packets arrive at once (a proxy that buffers)",
  needs: ["admission"],
  async run(visit) {
    const found = await ask(visit);
    if (found.type !== "admitted") return skipped("the client was not admitted this time");
    const times: number[] = [];
    for (let index = 0; index < echoes; index++) {
      const startedMs = performance.now();
      const answer = await request(found.socket, "echo", index, visit.waitMs);
      if (answer === undefined) break;
      times.push(performance.now() - startedMs);
    }
    found.socket.disconnect();
    const { sentMs = 0, receivedMs = 0 } = visit.health ?? {};
    return judgeEchoes(times, receivedMs - sentMs);
  },
};

/** @param httpMs - what a request over HTTP took, on the same way */
export function judgeEchoes(times: readonly number[], httpMs: number): Outcome {
  const next = "Switch off buffering of WebSockets in the proxy or firewall between (in nginx: proxy_buffering off).";
  if (times.length < echoes) return fail(`an echo did not come back after ${times.length} that did`, next);
  const medianMs = [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
  const text = `an echo takes ${medianMs.toFixed(0)} ms, a request over HTTP ${httpMs.toFixed(0)} ms`;
  return medianMs > slowMs && medianMs > slowTimes * httpMs
    ? warn(`${text}: packets are held back on the way`, next)
    : ok(text);
}
