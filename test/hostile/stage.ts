import { randomBytes } from "node:crypto";
import { createClient } from "redis";
import { createToken } from "../../server/src/auth/create-token.ts";
import { inspectable } from "../support/inspector.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { type ServerProcess, startServer } from "../support/server-process.ts";
import { uniquePrefix } from "../support/unique.ts";
import type { Victim } from "./attacks/attack.ts";

/** A server as it is deployed, with every secret that a server can have, and its Redis. */
export interface Stage extends AsyncDisposable {
  readonly server: ServerProcess;
  readonly victim: Victim;
  /** A token of a user in whose rooms the attackers have no right. */
  readonly honestToken: string;
  /** By name; none of them may be in what the server prints. */
  readonly secrets: Readonly<Record<string, string>>;
}

/** Rooms of honest users begin with it. */
export const quietPrefix = "quiet-";

const secretText = (name: string) => `${name}-${randomBytes(24).toString("hex")}`;

export async function startStage(): Promise<Stage> {
  const secret = secretText("token-secret");
  const adminToken = secretText("admin-token");
  const password = secretText("redis-password");
  const redis = await startRedis();
  try {
    const redisUrl = redis.kind === "redis" ? await withPassword(redis, password) : redis.url;
    const server = await startServer({
      nodeArgs: inspectable,
      env: {
        NODE_ENV: "production",
        REDIS_URL: redisUrl,
        KEY_PREFIX: uniquePrefix(),
        AUTH: "token",
        TOKEN_SECRET: secret,
        ADMIN_TOKEN: adminToken,
        ALLOWED_ORIGINS: "https://app.example",
        HISTORY_MAX_MESSAGES: "100",
        DRAIN_SECONDS: "0",
        // What is logged at all is looked through for secrets.
        LOG_LEVEL: "debug",
      },
    });
    const rooms = { "*": "read write", [`${quietPrefix}*`]: "" };
    const token = await createToken({ secret, user: "mallory", rooms });
    const honestToken = await createToken({ secret, user: "ada", rooms: { [`${quietPrefix}*`]: "read write" } });
    return {
      server,
      victim: { url: server.url, secret, token },
      honestToken,
      secrets: {
        TOKEN_SECRET: secret,
        ADMIN_TOKEN: adminToken,
        ALLOWED_ORIGINS: "https://app.example",
        "the password of Redis": password,
        "the signature of an attacker's token": signatureOf(token),
        "the signature of an honest user's token": signatureOf(honestToken),
      },
      async [Symbol.asyncDispose]() {
        await server.kill();
        await redis[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await redis[Symbol.asyncDispose]();
    throw error;
  }
}

/** Makes a Redis ask for a password from now on. Returns its address with the password. The embedded Valkey has none. */
async function withPassword({ url }: RedisServer, password: string): Promise<string> {
  const client = createClient({ url });
  await client.connect();
  await client.configSet("requirepass", password);
  client.destroy();
  return url.replace("//", `//:${password}@`);
}

const signatureOf = (token: string) => token.split(".")[2] ?? token;
