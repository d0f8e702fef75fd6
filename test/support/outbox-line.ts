import { vi } from "vitest";
import type { Connection, Reply } from "../../client/src/connection.ts";
import { type Budget, createOutbox, type Published } from "../../client/src/outbox.ts";
import type { RequestPayload, ServerErrorCode } from "../../client/src/protocol/index.ts";

type Publish = RequestPayload<"message:publish">;
type Answered = Reply<{ position: "5-0"; duplicate: boolean }>;

/** A connection whose answers the test gives, so that their moments can be chosen. */
export function line(name = "line") {
  const sent: { payload: Publish; answer: (reply: Answered) => void }[] = [];
  const state = { isUp: true };
  const connection = {
    rooms: new Set(),
    id: () => (state.isUp ? name : undefined),
    request: (_: string, payload: Publish) => new Promise<Answered>((answer) => sent.push({ payload, answer })),
    signal: () => undefined,
    hurry: () => undefined,
    close: async () => undefined,
  } as unknown as Connection;
  return { connection, sent, state };
}

export const stored = { ok: true, data: { position: "5-0", duplicate: false } } as const;
export const refused = (code: ServerErrorCode, retryable: boolean, retryAfterMs?: number) =>
  ({ ok: false, error: { code, message: code, retryable, ...(retryAfterMs && { retryAfterMs }) } }) as const;

export const say = (text: string) => ["chat:message", { text }] as const;
export const texts = (sent: readonly { payload: Publish }[]) =>
  sent.map(({ payload }) => (payload.data as { text: string }).text);
export const budget = () => ({ messages: 10, bytes: 200_000 });

/** An outbox whose acknowledgements nobody else hears of. */
export const outboxOf = (shared: Budget, route: () => Connection | undefined) =>
  createOutbox("room", shared, route, () => undefined);

/** What became of a publish; its rejection has an owner from the start. */
export function outcome(publish: Promise<Published>): Promise<unknown> {
  return publish.then(
    () => "stored",
    (error: { code: unknown }) => error.code,
  );
}

/** Lets the answers given so far have their effect. */
export const settle = () => vi.advanceTimersByTimeAsync(0);
