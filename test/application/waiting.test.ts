import { expect, test } from "vitest";
import { deferred, startRig } from "../support/application-rig.ts";
import { ask, type StockSocket } from "../support/stock-client.ts";
import { messageId, uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

const note = (room: string, text: string) => ({ room, id: messageId(), event: "note:added", data: { text } });
const rateLimited = { ok: false, error: { code: "RATE_LIMITED", retryable: true, retryAfterMs: expect.any(Number) } };

/** Sends publishes of 60 kB, and tells the answers that have come so far. */
function flood(socket: StockSocket, room: string, count: number) {
  const answers: unknown[] = [];
  const text = "x".repeat(60_000);
  for (let sent = 0; sent < count; sent += 1) {
    void ask(socket, "message:publish", note(room, text), 60_000).then((answer) => answers.push(answer));
  }
  return answers;
}

test.each(["beforePublish", "authorize"] as const)(
  "what waits for %s is bounded: a connection that floods is told to come later, and others are served",
  async (hook) => {
    const gate = deferred();
    const slow = uniqueRoom("slow");
    const wait = ({ room }: { readonly room: string }) => (room === slow ? gate.promise : Promise.resolve());
    await using rig = await startRig(
      hook === "beforePublish" ? { beforePublish: wait } : { authorize: (question) => wait(question).then(() => true) },
    );
    // Below the limit of requests, so that it is not this one that is met.
    const answers = flood(await rig.stock(), slow, 100);
    await waitFor(() => answers.length >= 30, "what is too much to be refused");
    for (const answer of answers) expect(answer).toMatchObject(rateLimited);
    // 4 MiB are 69 publishes of 60 kB.
    const refused = answers.length;
    expect(refused).toBeLessThanOrEqual(35);
    expect(await ask(await rig.stock(), "message:publish", note(uniqueRoom(), "hi"))).toMatchObject({ ok: true });
    gate.resolve();
    await waitFor(() => answers.length === 100, "the others to be stored");
    for (const answer of answers.slice(refused)) expect(answer).toMatchObject({ ok: true });
  },
);
