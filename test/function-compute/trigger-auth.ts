import type { IncomingHttpHeaders } from "node:http";
import { createLocalJWKSet, errors, type JWTPayload, jwtVerify } from "jose";
import { type Refusal, refusals } from "./refusals.ts";
import type { JwtSettings, TriggerSettings } from "./settings.ts";

export interface TriggerRequest {
  readonly method: string;
  /** Path with query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/** What a request that passed the trigger carries on to the function: claims, where `claimPassBy` asks for it. */
export interface Admission {
  readonly url: string;
  /** Names and values in turn. */
  readonly extraHeaders: readonly string[];
}

export type TriggerVerdict = { readonly admitted: Admission } | { readonly refused: Refusal };

/** Lets a request through the HTTP trigger, or says why not: its method and its authentication. */
export async function judgeTrigger(trigger: TriggerSettings | null, request: TriggerRequest): Promise<TriggerVerdict> {
  if (!trigger) return { refused: refusals.noTrigger() };
  if (!trigger.methods.includes(request.method)) {
    return { refused: refusals.forbidden(`the trigger does not allow the method ${request.method}`) };
  }
  if (trigger.authType === "anonymous") return { admitted: { url: request.url, extraHeaders: [] } };
  if (trigger.authType === "function") return { refused: judgeSignature(request) };
  if (trigger.jwt?.whitelist?.includes(request.url.split("?", 1)[0] ?? "")) {
    return { admitted: { url: request.url, extraHeaders: [] } };
  }
  if (!trigger.jwt) throw new Error("expected authConfig with jwks and tokenLookup for authType jwt, got none");
  return judgeToken(trigger.jwt, request);
}

/** How much the `Date` of a signed request may differ from the time. */
const signatureAgeMs = 15 * 60_000;

/** No access key exists here, so no signature is ever right; what the platform says to a wrong one is all there is. */
function judgeSignature({ headers }: TriggerRequest): Refusal {
  if (headers.authorization === undefined || headers.date === undefined) {
    return refusals.unauthenticated("required HTTP header Date or Authorization was not specified");
  }
  const differsMs = Math.abs(Date.now() - Date.parse(headers.date));
  return differsMs <= signatureAgeMs
    ? refusals.forbidden("the request signature does not match")
    : refusals.signatureTooOld();
}

async function judgeToken(jwt: JwtSettings, request: TriggerRequest): Promise<TriggerVerdict> {
  const token = findToken(jwt.tokenLookup, request);
  if (token === null) return { refused: refusals.unauthenticated(`no token at ${jwt.tokenLookup}`) };
  try {
    const { payload } = await jwtVerify(token, createLocalJWKSet(jwt.jwks));
    return { admitted: passClaims(jwt.claimPassBy, payload, request.url) };
  } catch (error) {
    if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) {
      return { refused: refusals.malformed(`the token is malformed: ${error.message}`) };
    }
    if (error instanceof errors.JOSEError) return { refused: refusals.forbidden(`the token fails: ${error.message}`) };
    throw error;
  }
}

/** The first token found, in the order of `tokenLookup`: `<query|cookie|header>:<name>[:<prefix>]`, comma-separated. */
function findToken(tokenLookup: string, { url, headers }: TriggerRequest): string | null {
  for (const place of tokenLookup.split(",")) {
    const [where, name, prefix = ""] = place.trimStart().split(":");
    if (name === undefined) throw new Error(`expected <where>:<name> in tokenLookup, got ${JSON.stringify(place)}`);
    const value = valueAt(where, name, url, headers);
    if (value?.startsWith(prefix)) return value.slice(prefix.length);
  }
  return null;
}

function valueAt(where: string | undefined, name: string, url: string, headers: IncomingHttpHeaders): string | null {
  if (where === "query") return new URL(url, "http://gateway").searchParams.get(name);
  if (where === "header") return [headers[name.toLowerCase()]].flat()[0] ?? null;
  if (where !== "cookie") throw new Error(`expected query, cookie or header in tokenLookup, got ${where}`);
  for (const pair of (headers.cookie ?? "").split(";")) {
    const [key, ...value] = pair.trim().split("=");
    if (key === name) return value.join("=");
  }
  return null;
}

function passClaims(claimPassBy: string, claims: JWTPayload, url: string): Admission {
  const extraHeaders: string[] = [];
  const passed = new URLSearchParams();
  for (const mapping of claimPassBy.split(",").filter((part) => part !== "")) {
    const [where, claim = "", name = claim] = mapping.trim().split(":");
    const value = claims[claim];
    if (value === undefined) continue;
    if (where === "header") extraHeaders.push(name, String(value));
    else if (where === "query") passed.append(name, String(value));
    else throw new Error(`expected header or query in claimPassBy, got ${where}`);
  }
  const query = passed.toString();
  return { url: query === "" ? url : `${url}${url.includes("?") ? "&" : "?"}${query}`, extraHeaders };
}
