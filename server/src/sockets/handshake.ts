import { type HandshakeAuth, handshakeAuth, limits } from "@holdfast/client/protocol";
import type { Socket } from "socket.io";
import { RequestError } from "../errors.ts";
import { parse } from "../parse.ts";

type Handshake = Pick<Socket["handshake"], "auth" | "query">;

/**
 * Reads who connects. The fields come from Socket.IO's `auth` payload; where a client cannot send one (Postman, a
 * trigger that checks the token before the handshake), from the query. Throws INVALID_PAYLOAD and
 * UNSUPPORTED_PROTOCOL.
 */
export function parseHandshake({ auth, query }: Handshake): HandshakeAuth {
  const { protocol, session, token } = { ...fromQuery(query), ...auth };
  // The version is looked at first: what else a future protocol requires is not known here.
  if (typeof protocol === "number" && protocol !== limits.protocolVersion) {
    throw new RequestError("UNSUPPORTED_PROTOCOL", `expected protocol ${limits.protocolVersion}, got ${protocol}`);
  }
  return parse(handshakeAuth, { protocol, session, ...(token == null ? {} : { token }) }, "auth");
}

function fromQuery({ protocol, session, token }: Handshake["query"]): Record<string, unknown> {
  return { protocol: protocol === undefined ? undefined : Number(protocol), session, token };
}
