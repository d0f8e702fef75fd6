import { createHmac } from "node:crypto";
import { defineCommand } from "../command.ts";
import { parseDurationSeconds } from "../duration.ts";
import { exitCodes } from "../exit-codes.ts";
import { usageError } from "../refusal.ts";

/** As short as a server takes it. */
const shortestSecret = 32;

export const token = defineCommand({
  name: "token",
  args: [],
  summary: "signs a token (HS256) with a development secret, and prints it",
  options: {
    secret: { value: "SECRET", env: "TOKEN_SECRET", summary: "the server's TOKEN_SECRET, for development alone" },
    user: { value: "USER", summary: "who it is for: its `sub`" },
    rooms: {
      value: "RIGHTS",
      multiple: true,
      summary: "rights in a room, `lobby=read write` or `news:*=read`, any number of times; or all of them as JSON",
    },
    expires: { value: "TIME", default: "1h", summary: "how long it is valid: 90s, 15m, 1h, 7d" },
    issuer: { value: "TEXT", env: "TOKEN_ISSUER", summary: "its `iss`, where the server asks for one" },
    audience: { value: "TEXT", env: "TOKEN_AUDIENCE", summary: "its `aud`, where the server asks for one" },
  },
  examples: [
    "token --user ann",
    "token --user ann --rooms 'lobby=read write' --rooms 'news:*=read' --expires 7d",
    `token --user ann --rooms '{"lobby":"read write"}'`,
  ],
  run({ options, terminal }) {
    const { secret, user, issuer, audience } = options;
    if (user === undefined || user === "") throw usageError("`holdfast token` needs --user USER.");
    if (secret === undefined) {
      throw usageError(
        "`holdfast token` needs the server's TOKEN_SECRET, in the environment or with --secret.",
        "Start a development server with AUTH=token and the same TOKEN_SECRET.",
      );
    }
    if (secret.length < shortestSecret) {
      throw usageError(`A server takes a TOKEN_SECRET of at least ${shortestSecret} characters, got ${secret.length}.`);
    }
    const nowSeconds = Math.floor(Date.now() / 1000);
    const rooms = parseRooms(options.rooms);
    const claims = {
      sub: user,
      iat: nowSeconds,
      exp: nowSeconds + parseDurationSeconds(options.expires),
      ...(rooms === undefined ? {} : { rooms }),
      ...(issuer === undefined ? {} : { iss: issuer }),
      ...(audience === undefined ? {} : { aud: audience }),
    };
    const signed = sign(claims, secret);
    terminal.out(options.json ? JSON.stringify({ token: signed, claims }) : signed);
    terminal.note("For development alone: in production tokens come from where your users sign in.");
    return exitCodes.fine;
  },
});

/** The claim `rooms` as it was given: JSON, or a room and its rights. */
function parseRooms(given: readonly string[]): Readonly<Record<string, unknown>> | undefined {
  if (given.length === 0) return undefined;
  return Object.assign(
    {},
    ...given.map((text) => (text.trimStart().startsWith("{") ? parseObject(text) : parseRule(text))),
  );
}

function parseObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    for (const [room, rights] of Object.entries(Object(value))) requireRights(room, rights);
    return Object(value);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw usageError(`--rooms is not JSON: ${error.message}`, `For example: --rooms '{"lobby":"read write"}'.`);
  }
}

function parseRule(text: string): object {
  const at = text.indexOf("=");
  if (at < 1) throw usageError(`--rooms takes a room and its rights, got ${JSON.stringify(text)}.`, rightsExample);
  const [room, rights] = [text.slice(0, at), text.slice(at + 1)];
  requireRights(room, rights);
  return { [room]: rights };
}

const rightsExample = "For example: --rooms 'lobby=read write' --rooms 'news:*=read'.";

function requireRights(room: string, rights: unknown): void {
  if (!/^(?:[A-Za-z0-9_.:@-]{1,128}|[A-Za-z0-9_.:@-]{0,127}\*)$/.test(room)) {
    throw usageError(`${JSON.stringify(room)} is no room, and no pattern with a * at its end.`, rightsExample);
  }
  if (typeof rights === "string" && /^(|none|read|write|read write|write read)$/.test(rights)) return;
  throw usageError(`The rights in ${room} are "read", "write", "read write" or "", got ${JSON.stringify(rights)}.`);
}

function sign(claims: object, secret: string): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const content = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
  return `${content}.${createHmac("sha256", secret).update(content).digest("base64url")}`;
}
