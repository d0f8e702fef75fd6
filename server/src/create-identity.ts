import type { Application, HookContext } from "./application/application.ts";
import { createAuthenticate } from "./application/authentication.ts";
import { createAuthorize } from "./application/authorization.ts";
import { Identify } from "./auth/identify.ts";
import { Revocations } from "./auth/revocations.ts";
import { SessionOwners } from "./auth/session-owners.ts";
import { createTokenVerifier } from "./auth/verify-token.ts";
import type { Config } from "./config.ts";
import type { SupervisedClient } from "./redis/supervised-client.ts";

interface IdentityParts<C> {
  readonly application: Application<C>;
  readonly context: Omit<HookContext<C>, "signal">;
  readonly config: Pick<Config, "auth" | "keyPrefix" | "redis" | "roomRights">;
  readonly commands: SupervisedClient;
  readonly logger: Parameters<typeof createTokenVerifier>[1];
  /** How long an answer of `authorize` is kept, where a test shortens that. */
  readonly keepAnswersMs: number | undefined;
}

/** Who somebody is, and what he may do, as the settings and the application's hooks say together. */
export function createIdentity<C>({ application, context, config, commands, logger, keepAnswersMs }: IdentityParts<C>) {
  const { auth, keyPrefix } = config;
  const hasUsers = auth.mode === "token" || application.authenticate !== undefined;
  const isOneSlot = config.redis.kind !== "cluster";
  const skewSeconds = auth.mode === "token" ? auth.skewSeconds : 0;
  const revocations = new Revocations(commands, keyPrefix, skewSeconds, isOneSlot);
  const authorize = createAuthorize(application, context);
  const identify = new Identify({
    authenticate: createAuthenticate(application, context, createTokenVerifier(auth, logger)),
    revocations,
    sessions: new SessionOwners(commands, keyPrefix, isOneSlot),
    rights: {
      authorize,
      roomRights: config.roomRights,
      inboxes: hasUsers,
      keepAnswersMs,
      isRevoked: (proof) => revocations.isNoted(proof),
    },
    hasUsers,
  });
  return { identify, revocations, hasUsers, asksApplication: authorize !== undefined };
}
