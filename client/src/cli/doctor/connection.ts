import { io, type Socket } from "socket.io-client";
import type { WireError } from "../../protocol/errors.ts";
import { limits } from "../../protocol/limits.ts";
import { randomId } from "../../random-id.ts";
import type { Visit } from "./finding.ts";

/** How an attempt to be admitted ended. */
export type Admission =
  | { readonly type: "admitted"; readonly socket: Socket }
  | { readonly type: "refused"; readonly error: WireError }
  /** It ended without a word of a Holdfast server. */
  | { readonly type: "failed"; readonly reason: string };

/** Connects once, as a client does, and never again. Close the socket of one that is admitted. */
export function ask({ address: { origin, socketPath }, token, waitMs }: Visit): Promise<Admission> {
  const socket = io(origin, {
    path: socketPath,
    transports: ["websocket"],
    reconnection: false,
    forceNew: true,
    timeout: waitMs,
    rejectUnauthorized: false,
    auth: { protocol: limits.protocolVersion, session: randomId(), ...(token === undefined ? {} : { token }) },
  });
  return new Promise((resolve) => {
    const end = (admission: Admission) => {
      clearTimeout(timer);
      if (admission.type !== "admitted") socket.disconnect();
      resolve(admission);
    };
    const timer = setTimeout(() => end({ type: "failed", reason: `no answer within ${waitMs} ms` }), waitMs);
    socket.once("connect", () => end({ type: "admitted", socket }));
    socket.once("disconnect", (reason) => end({ type: "failed", reason }));
    socket.once("connect_error", (error: Error & { readonly data?: WireError }) => {
      end(
        error.data?.code === undefined
          ? { type: "failed", reason: error.message }
          : { type: "refused", error: error.data },
      );
    });
  });
}

type Answer =
  | { readonly ok: true; readonly data: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly error: WireError };

/** Asks on an open connection; undefined where no answer came in time. */
export async function request(
  socket: Socket,
  name: string,
  payload: unknown,
  waitMs: number,
): Promise<Answer | undefined> {
  return socket
    .timeout(waitMs)
    .emitWithAck(name, payload)
    .catch(() => undefined);
}
