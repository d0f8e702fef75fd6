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
    let runs = 0;
    const wait = ({ room }: { readonly room: string }) => {
      if (room !== slow) return Promise.resolve();
      runs += 1;
      return gate.promise;
    };
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
    // Those of one room are in line for `beforePublish`, and `authorize` is asked about it once.
    expect(runs).toBe(1);
    expect(await ask(await rig.stock(), "message:publish", note(uniqueRoom(), "hi"))).toMatchObject({ ok: true });
    gate.resolve();
    await waitFor(() => answers.length === 100, "the others to be stored");
    for (const answer of answers.slice(refused)) expect(answer).toMatchObject({ ok: true });
  },
);

test("a question is asked only for what may wait for its answer: a connection cannot run authorize without bounds", async () => {
  const gate = deferred();
  let asked = 0;
  const answered = async () => {
    asked += 1;
    await gate.promise;
    return true;
  };
  await using rig = await startRig({ authorize: answered }, { settings: { publishesPerSecond: 1_000_000 } });
  const socket = await rig.stock();
  const answers: unknown[] = [];
  const publish = () => {
    // What is not answered when the test ends is of no interest.
    const take = (answer: unknown) => void answers.push(answer);
    ask(socket, "message:publish", note(uniqueRoom(), "hi"), 60_000).then(take, () => undefined);
  };
  // As fast as the connection may send, each in a room of its own, so that each is a question of its own.
  await waitFor(() => {
    for (let sent = 0; sent < 50; sent += 1) publish();
    return answers.some((answer) => JSON.stringify(answer).includes("wait for the application"));
  }, "a refusal because too much waits");
  expect(asked).toBe(2_048);
  gate.resolve();
});

test("what is over a user's rate is refused before the application is asked", async () => {
  let asked = 0;
  const authorize = async () => {
    asked += 1;
    return true;
  };
  await using rig = await startRig({ authorize }, { settings: { publishesPerSecond: 1 } });
  const socket = await rig.stock();
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => ask(socket, "message:publish", note(uniqueRoom(), "hi"))),
  );
  const stored = answers.filter(({ ok }) => ok).length;
  expect(stored).toBeLessThan(10);
  expect(asked).toBe(stored);
});
