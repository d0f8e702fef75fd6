import { type Check, fail, type Outcome, ok, skipped, warn } from "./finding.ts";
import { type HttpAnswer, jsonOf, probe, serverName } from "./http-probe.ts";
import { routeOf } from "./reach.ts";

// What plain requests tell.

/** Further off, tokens begin and end at the wrong moment. */
const noticedSkewMs = 1_500;
const badSkewMs = 30_000;

export const health: Check = {
  name: "http",
  looksAt: "whether a Holdfast server answers (`/healthz`)",
  needs: ["port"],
  async run(visit) {
    const answer = await probe(routeOf(visit, "/healthz"), visit);
    if (answer.type === "none") {
      return fail(
        `the port accepts connections and does not answer HTTP (${answer.code})`,
        "Check that it is the server's port, and that the server, or what is in front of it, is not stopped or overloaded.",
      );
    }
    visit.health = answer;
    return judgeHealth(answer);
  },
};

function judgeHealth(answer: HttpAnswer): Outcome {
  const { status } = answer;
  const { status: said, redis } = jsonOf(answer) ?? {};
  const by = serverName(answer);
  if (redis === "up" || redis === "away") {
    return said === "draining"
      ? warn(
          "the instance drains: it admits nobody",
          "Try again: another instance answers, or this one is gone in a moment.",
        )
      : ok("a Holdfast server answers");
  }
  if (status >= 300 && status < 400) {
    const to = answer.headers.location ?? "elsewhere";
    return fail(`requests are redirected to ${to}`, `Use that address: a WebSocket follows no redirect.`);
  }
  if (status === 502 || status === 503 || status === 504) {
    return fail(
      `a proxy or gateway${by} answers ${status}: no server behind it`,
      "Check that the server runs, that the proxy knows its address and port, and its log.",
    );
  }
  return warn(
    `something answers ${status} at /healthz${by}, and is no Holdfast server, or hides its routes`,
    "Check the host and the port. A server inside another one (`httpServer`) shows its routes only where they are mounted.",
  );
}

export const redis: Check = {
  name: "redis",
  looksAt: "whether the server reaches its Redis (`/readyz`)",
  needs: ["http"],
  async run(visit) {
    const answer = await probe(routeOf(visit, "/readyz"), visit);
    const { redis: state } = (answer.type === "answer" && jsonOf(answer)) || {};
    if (state === "up") return ok("Redis is up");
    if (state !== "away") return skipped("no Holdfast server tells of it");
    return fail(
      "the server does not reach its Redis",
      "Check that Redis runs, REDIS_URL, its password, and the white list or security group between the two; the server's log says more.",
    );
  },
};

export const clock: Check = {
  name: "clock",
  looksAt: "how far the server's clock is from this machine's (`Date`)",
  needs: ["http"],
  run({ health: answer }) {
    const date = answer?.headers.date;
    if (answer === undefined || date === undefined || answer.headers.age !== undefined) {
      return skipped("no answer tells the server's time");
    }
    return judgeClock(Date.parse(date), answer);
  },
};

/** A `Date` is cut to the second, and was written at some moment between the request and its answer. */
export function judgeClock(dateMs: number, { sentMs, receivedMs }: Pick<HttpAnswer, "sentMs" | "receivedMs">): Outcome {
  const aheadMs = dateMs > receivedMs ? dateMs - receivedMs : Math.min(0, dateMs + 1000 - sentMs);
  const text = `the server's clock is ${(Math.abs(aheadMs) / 1000).toFixed(0)} s ${aheadMs > 0 ? "ahead of" : "behind"} this machine's`;
  const next =
    "Let both follow a time server (NTP). Tokens begin and end by the server's clock: TOKEN_SKEW_SECONDS allows for a difference to their issuer.";
  if (Math.abs(aheadMs) >= badSkewMs) return fail(text, next);
  if (Math.abs(aheadMs) >= noticedSkewMs) return warn(text, next);
  return ok("the server's clock agrees with this machine's");
}
