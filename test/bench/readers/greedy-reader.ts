import { setTimeout as delay } from "node:timers/promises";
import type { Acknowledgement, RequestData } from "../../../client/src/protocol/index.ts";
import { connectRaw } from "../../support/raw-websocket.ts";
import { serve } from "../../support/worker.ts";

// A process with one connection that reads pages of a log as fast as the server gives them.

export interface ReadCall {
  readonly url: string;
  readonly room: string;
  /** Each page ends before one of these, so that no two reads that are under way are the same. */
  readonly positions: readonly string[];
  readonly inFlight: number;
  readonly forMs: number;
}

export interface ReadOutcome {
  readonly pages: number;
  /** Refusals with RATE_LIMITED, after each of which it waits as long as it is told. */
  readonly limited: number;
  /** Refusals of any other kind, by their code. */
  readonly failed: readonly string[];
}

/** Longer than any read may take: what is not answered then is a failure. */
const ANSWER_MS = 30_000;

const functions = {
  /** Reads for so long, and resolves when all that it asked for is answered. */
  async read({ url, room, positions, inFlight, forMs }: ReadCall): Promise<ReadOutcome> {
    using client = await connectRaw(url);
    const endMs = performance.now() + forMs;
    const failed: string[] = [];
    let [next, pages, limited] = [0, 0, 0];
    const lane = async () => {
      while (performance.now() < endMs) {
        const before = positions[next % positions.length];
        next += 1;
        const request = client.request("history:read", { room, before }, ANSWER_MS);
        const answer = (await request) as Acknowledgement<RequestData<"history:read">>;
        if (answer.ok) pages += 1;
        else if (answer.error.code === "RATE_LIMITED") {
          limited += 1;
          await delay(answer.error.retryAfterMs);
        } else failed.push(answer.error.code);
      }
    };
    await Promise.all(Array.from({ length: inFlight }, lane));
    return { pages, limited, failed };
  },
};

export type GreedyReader = typeof functions;
serve(functions);
