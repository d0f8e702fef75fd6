import { createToken } from "../../../server/src/auth/create-token.ts";
import { connectRaw, type RawClient } from "../../support/raw-websocket.ts";
import { sessionId } from "../../support/unique.ts";
import { serve } from "../../support/worker.ts";

interface SignCall {
  readonly secret: string;
  readonly users: number;
}

interface ConnectCall {
  readonly url: string;
  /** Handshakes under way at a time. */
  readonly atATime: number;
}

let tokens: readonly string[] = [];
let clients: RawClient[] = [];

const functions = {
  /** Signs a token for each user, so that signing is no part of what is measured. */
  async sign({ secret, users }: SignCall): Promise<void> {
    const rooms = { lobby: "read write" };
    tokens = await Promise.all(
      Array.from({ length: users }, (_, index) => createToken({ secret, user: `user-${index}`, rooms })),
    );
  },

  /** Connects every user once, and tells the milliseconds that it took. */
  async connect({ url, atATime }: ConnectCall): Promise<number> {
    const startMs = performance.now();
    const waiting = [...tokens];
    const one = async () => {
      for (let token = waiting.pop(); token !== undefined; token = waiting.pop()) {
        clients.push(await connectRaw(url, { auth: { protocol: 1, session: sessionId(), token } }));
      }
    };
    await Promise.all(Array.from({ length: atATime }, one));
    return performance.now() - startMs;
  },

  async closeAll(_: null): Promise<void> {
    const open = clients;
    clients = [];
    for (const client of open) client.terminate();
    await Promise.all(open.map(({ closed }) => closed));
  },
};

export type HandshakeClients = typeof functions;
serve(functions);
