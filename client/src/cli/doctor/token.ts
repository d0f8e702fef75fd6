import { type Check, fail, type Outcome, ok, skipped, warn } from "./finding.ts";

const longestToken = 4096;

export const token: Check = {
  name: "token",
  looksAt: "what the token says: form, `sub`, `exp`, `nbf`, `iat`, `rooms`",
  needs: [],
  run: ({ token: given }) => judgeToken(given, Date.now()),
};

const fresh = "Get a fresh one from where your users sign in; for development `holdfast token --user ann` makes one.";

/** What is wrong with a token by what it says itself. Whether its signature is good only the server knows. */
export function judgeToken(given: string | undefined, nowMs: number): Outcome {
  if (given === undefined) return skipped("none was given: --token or HOLDFAST_TOKEN");
  if (given.length > longestToken) {
    return fail(`it has ${given.length} characters, and a server takes ${longestToken}`, "Put less into it.");
  }
  const parts = given.split(".");
  const [head, claims] = parts.slice(0, 2).map(decode);
  if (parts.length !== 3 || head === undefined || claims === undefined) {
    const hint = /^bearer /i.test(given) ? " Leave `Bearer` out." : "";
    return fail(
      "it is no JWT: three parts of base64url with dots between them",
      `Check what is passed as the token.${hint}`,
    );
  }
  if (head.alg === "none") return fail("it has no signature (alg none)", fresh);
  const { sub, exp, nbf, iat, rooms } = claims;
  if (typeof sub !== "string" || sub === "")
    return fail("it names no user (`sub`)", "Sign it with `sub`: the user's id.");
  if (typeof exp !== "number") return fail("it has no end (`exp`)", "Sign it with `exp`, in seconds since 1970.");
  // Whoever signs milliseconds makes a token that never ends.
  if (exp > 1e11) return fail("its `exp` is in milliseconds", "Sign it with `exp` in seconds since 1970.");
  const leftMs = exp * 1000 - nowMs;
  if (leftMs <= 0) return fail(`it expired ${spanOf(-leftMs)} ago`, fresh);
  if (typeof nbf === "number" && nbf * 1000 > nowMs) {
    return fail(
      `it is not valid yet: in ${spanOf(nbf * 1000 - nowMs)} (\`nbf\`)`,
      "Check the clock of what signs it; TOKEN_SKEW_SECONDS allows for a difference.",
    );
  }
  if (rooms !== undefined && (typeof rooms !== "object" || rooms === null || Array.isArray(rooms))) {
    return fail("its claim `rooms` is no object", `Sign it with rooms such as {"lobby":"read write","news:*":"read"}.`);
  }
  if (typeof iat === "number" && iat * 1000 > nowMs + 2_000) {
    return warn(
      `it was signed in the future, by ${spanOf(iat * 1000 - nowMs)} (\`iat\`)`,
      "Check the clock of what signs it.",
    );
  }
  return ok(
    `for ${sub}, valid for ${spanOf(leftMs)} more${rooms === undefined ? "" : `, rooms ${JSON.stringify(rooms)}`}`,
  );
}

function decode(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function spanOf(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} days`;
}
