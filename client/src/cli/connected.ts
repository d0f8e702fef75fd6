import type { Client, ConnectOptions } from "../client-api.ts";
import { connect } from "../connect.ts";
import type { AnyContract } from "../contract.ts";
import type { HoldfastError } from "../errors.ts";
import { parseAddress } from "./address.ts";
import type { OptionRow } from "./command.ts";
import { exitCodes } from "./exit-codes.ts";
import { Refusal } from "./refusal.ts";

/** Options of every command that connects. */
export const connectionOptions = {
  url: {
    value: "URL",
    env: "HOLDFAST_URL",
    default: "http://localhost:9000",
    summary: "the server's address",
  },
  token: { value: "TOKEN", env: "HOLDFAST_TOKEN", summary: "the token to connect with" },
  wait: {
    value: "SECONDS",
    range: [0.1, 3600],
    default: "15",
    summary: "how long to wait for a connection, and for an answer",
  },
} as const satisfies Record<string, OptionRow>;

export interface Connecting {
  readonly url: string;
  readonly token: string | undefined;
  readonly wait: number;
}

export type AnyClient = Client<AnyContract>;

/** A client that is not connected yet, for a server that may be under a path of its own. */
export function openClient({ url, token }: Omit<Connecting, "wait">, options: ConnectOptions = {}): AnyClient {
  const { origin, socketPath } = parseAddress(url);
  return connect(origin, { ...(token && { token }), onlineHint: false, ...options, socket: { path: socketPath } });
}

/**
 * Connects, does what is to be done, and closes. Rejects with why there is no connection: at the first refusal, because
 * nobody who waits at a command line is helped by further attempts.
 */
export async function withClient<Result>(
  connecting: Connecting,
  use: (client: AnyClient) => Promise<Result>,
): Promise<Result> {
  const client = openClient(connecting);
  // What is refused once it is connected, ends what is asked for.
  client.on("error", () => undefined);
  try {
    await connectedWithin(client, connecting);
    return await use(client);
  } finally {
    await client.close();
  }
}

/** Resolves when the client is connected. Errors that come later are the caller's own. */
export async function connectedWithin(client: AnyClient, { url, wait }: Omit<Connecting, "token">): Promise<void> {
  const offs: (() => void)[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    await new Promise<void>((resolve, reject: (error: HoldfastError | Refusal) => void) => {
      offs.push(client.on("error", reject));
      // Who closes the client waits for nothing any more.
      offs.push(client.on("status", (status) => ["connected", "closed"].includes(status) && resolve()));
      timer = setTimeout(() => reject(noConnection(url, wait)), wait * 1000);
    });
  } finally {
    clearTimeout(timer);
    for (const off of offs) off();
  }
}

function noConnection(url: string, waitSeconds: number): Refusal {
  return new Refusal(`no connection to ${url} within ${waitSeconds} s`, {
    code: "UNREACHABLE",
    next: "`holdfast doctor URL` looks for the cause.",
    exitCode: exitCodes.unreachable,
  });
}

/** The outcome of what a server was asked, where it comes in time. */
export async function answered<Result>(asked: Promise<Result>, what: string, waitSeconds: number): Promise<Result> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(
        new Refusal(`${what} was not answered within ${waitSeconds} s`, {
          code: "TIMED_OUT",
          next: "Wait longer with --wait; `holdfast doctor URL` looks for the cause.",
        }),
      );
    }, waitSeconds * 1000);
  });
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}
