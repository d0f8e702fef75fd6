import { randomBytes } from "node:crypto";
import type { Client } from "@holdfast/client";
import type { Application } from "./application/application.ts";
import { consoleLogger, type Logger } from "./application/logger.ts";
import type { Server } from "./application/server.ts";
import { createToken } from "./auth/create-token.ts";
import { assembleServer } from "./create-server.ts";
import { type EmbeddedValkey, startEmbeddedValkey } from "./redis/embedded.ts";
import { requireKnownNames, type Settings } from "./settings.ts";
import { cutAll } from "./sockets/cut-after-sleep.ts";
import { announceTimeout, expireTokensOf, openConnections } from "./testing/connections.ts";
import { TestClients } from "./testing/test-clients.ts";
import { untilNothingIsMissing } from "./testing/until.ts";

export type { Client } from "@holdfast/client";
export type { Logger } from "./application/logger.ts";
export { createToken, type TokenOptions } from "./auth/create-token.ts";
export type { Settings } from "./settings.ts";

export interface TestServerOptions {
  /** Settings that differ from the README's. A port, a Redis and tokens need none. */
  readonly settings?: Settings;
  /** Default: errors on the console; what the test does to the server warns of nothing. */
  readonly logger?: Logger;
}

/** Who a test's client is. */
export interface TestUser {
  /** The user of its connections. Default: one of its own, `user-1`, `user-2` and so on. */
  readonly user?: string;
  /** The claim `rooms` of its token: room or pattern to rights, such as `{ lobby: "read write" }`. */
  readonly rooms?: Readonly<Record<string, string>>;
}

/** A server for an application's own tests, with clients, and with what a platform and a Redis do to both. */
export interface TestServer<C> extends Server<C> {
  /**
   * Connects a client, which is closed with the server. Resolves when it is connected. With the setting `auth:
   * "anonymous"` clients have no user.
   */
  connect(options?: TestUser): Promise<Client<C>>;
  /** A token as the clients of `connect` send it, for requests and connections of the test's own. */
  token(options?: TestUser): Promise<string>;
  /**
   * Tells every client that its connection will be cut, as before a function's timeout: each opens another one and moves
   * its rooms there. Resolves when all clients have moved.
   */
  move(): Promise<void>;
  /** Cuts every WebSocket without notice. Resolves when the clients are connected again, and back in their rooms. */
  cut(): Promise<void>;
  /**
   * Lets Redis restart without its data. Resolves when every member has got `gap` in each room that had messages.
   * Throws where the settings name a Redis, which may be somebody else's.
   */
  loseData(): Promise<void>;
  /**
   * Lets the tokens of a user's connections expire now: each connection is told, and goes on for the grace of ten seconds.
   * Resolves when every client of the user has given the server a new token, which the test server always grants, on the
   * same connection or on another one that it has moved to.
   */
  expire(user: string): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts a server for a test: on a free port, with an embedded Valkey and a secret of its own, so that tests can run side
 * by side. `connect`, `move`, `cut`, `loseData` and `expire` wait for the clients that `connect` has made, and throw a
 * sentence with what is missing after 15 s. `await using` closes everything.
 */
export async function createTestServer<C>(
  application: Application<C>,
  { settings = {}, logger = { ...consoleLogger, warn: () => undefined } }: TestServerOptions = {},
): Promise<TestServer<C>> {
  // Before a Valkey is started for a misspelt `redisUrl`.
  requireKnownNames(settings);
  const tokenSecret = String(settings.tokenSecret || randomBytes(32).toString("base64url"));
  // On a Redis that the test names, the server has keys of its own.
  const keyPrefix = `test-${randomBytes(6).toString("hex")}`;
  const own = { port: 0, auth: "token", roomRights: "read write", keyPrefix, drainSeconds: 0 };
  let valkey = settings.redisUrl ? undefined : await startEmbeddedValkey();
  const { server, io } = await assembleServer(application, {
    settings: { ...own, ...settings, tokenSecret, redisUrl: settings.redisUrl || valkey?.url },
    logger,
  }).catch(async (error: unknown) => {
    await valkey?.stop();
    throw error;
  });
  const clients = new TestClients<C>(server.url, () => openConnections(io));
  const isAnonymous = settings.auth === "anonymous";
  let users = 0;
  const signerFor = ({ user, rooms }: TestUser) => {
    users += 1;
    const subject = user ?? `user-${users}`;
    const issuer = settings.tokenIssuer?.toString();
    const audience = settings.tokenAudience?.toString();
    return () => createToken({ secret: tokenSecret, user: subject, rooms, issuer, audience });
  };

  const closeServer = server.close;
  let closing: Promise<void> | undefined;
  const close: Server<C>["close"] = (options) => {
    closing ??= (async () => {
      await clients.close();
      await closeServer(options);
      await valkey?.stop();
    })();
    return closing;
  };

  return Object.assign(server, {
    async connect(who: TestUser = {}) {
      if (!isAnonymous) return clients.connect(signerFor(who));
      if (who.user === undefined && who.rooms === undefined) return clients.connect(undefined);
      throw new Error(`the setting auth is "anonymous", so that clients have no user and no rooms of their own`);
    },
    token: (who: TestUser = {}) => signerFor(who)(),
    move: () => clients.replace(openConnections(io), () => announceTimeout(io)),
    cut: () => clients.replace(openConnections(io), () => cutAll(io)),
    async loseData() {
      const lost: EmbeddedValkey | undefined = valkey;
      if (lost === undefined) {
        throw new Error("loseData() needs the test server's own Valkey: leave redisUrl out of its settings");
      }
      await clients.lose(async () => {
        await lost.stop();
        valkey = await startEmbeddedValkey({ port: Number(new URL(lost.url).port) });
        const answered = () => server.history("any", { limit: 1 });
        await untilNothingIsMissing(() => answered().then(nothing, () => ["the server to reach its Redis again"]));
      });
    },
    expire: (user: string) => {
      const connections = openConnections(io).filter((connection) => connection.user === user);
      return clients.replace(connections, () => expireTokensOf(io, user), "or renewed");
    },
    close,
    [Symbol.asyncDispose]: () => close(),
  });
}

const nothing = (): string[] => [];
