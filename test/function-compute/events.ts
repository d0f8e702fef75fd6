import { EventEmitter, on } from "node:events";

export type DestroyReason =
  | "idle"
  | "update"
  | "requested"
  | "client-abort"
  | "age"
  | "timeout"
  | "start-failed"
  | "exited"
  | "shutdown";

/** What ended a WebSocket without a close frame: its deadline, silence, a frame, or an instance that is gone or dropped it. */
export type CutReason = "timeout" | "idle" | "frame" | "instance";

interface ConnectionFacts {
  readonly connectionId: string;
  readonly instanceId: string;
}

/** Everything that can be observed from outside, each with one object. Times are `Date.now()`'s milliseconds. */
export interface EmulatorEvents {
  /** The process accepts connections, and initialize and the first health check passed. */
  "instance:started": [{ readonly instanceId: string; readonly version: number; readonly startMs: number }];
  "instance:frozen": [{ readonly instanceId: string }];
  "instance:thawed": [{ readonly instanceId: string; readonly frozenMs: number }];
  "instance:health": [{ readonly instanceId: string; readonly healthy: boolean }];
  "instance:destroyed": [{ readonly instanceId: string; readonly reason: DestroyReason }];
  /** An instance was told to end by a signal, and ended by itself `inTime`, or had to be killed. */
  "instance:signalled": [{ readonly instanceId: string; readonly inTime: boolean; readonly tookMs: number }];
  "instance:output": [{ readonly instanceId: string; readonly line: string }];
  /** A WebSocket handshake was answered with 101. */
  "connection:opened": [ConnectionFacts & { readonly url: string; readonly deadlineMs: number }];
  /**
   * A WebSocket ended before its deadline: with a close frame (`clean`), or by a client that went away without one.
   * `leftMs` is the time it had left.
   */
  "connection:closed": [
    ConnectionFacts & { readonly by: "client" | "instance"; readonly clean: boolean; readonly leftMs: number },
  ];
  /** A WebSocket ended without a close frame and not by its client, who sees 1006. */
  "connection:cut": [ConnectionFacts & { readonly reason: CutReason }];
  /** A plain request, or a handshake that was not answered with 101, is over. Status 499: the client went away. */
  "request:ended": [
    {
      readonly requestId: string;
      readonly instanceId: string | null;
      readonly method: string;
      readonly url: string;
      readonly status: number;
    },
  ];
}

export type EventName = keyof EmulatorEvents;

export class Emitter extends EventEmitter<EmulatorEvents> {
  /**
   * The next event of a name, from now on, that `where` accepts.
   *
   * @throws Error that says what was waited for, after `timeoutMs` (default 10,000).
   */
  async next<Name extends EventName>(
    name: Name,
    options: { where?: (facts: EmulatorEvents[Name][0]) => boolean; timeoutMs?: number } = {},
  ): Promise<EmulatorEvents[Name][0]> {
    const { where = () => true, timeoutMs = 10_000 } = options;
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      for await (const [facts] of on(this, name, { signal })) if (where(facts)) return facts;
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    throw new Error(`no ${name} within ${timeoutMs} ms`);
  }
}
