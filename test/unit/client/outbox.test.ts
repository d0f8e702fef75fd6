import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { HoldfastError } from "../../../client/src/errors.ts";
import { type Budget, createOutbox } from "../../../client/src/outbox.ts";
import { limits } from "../../../client/src/protocol/limits.ts";
import { budget, line, outboxOf, outcome, refused, say, settle, stored, texts } from "../../support/outbox-line.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("an outbox", () => {
  test("sends with the same id after the time that the server asks for, and not before", async () => {
    const { connection, sent } = line();
    const outbox = outboxOf(budget(), () => connection);
    const published = outcome(outbox.publish(...say("a")));
    sent[0]?.answer(refused("RATE_LIMITED", true, 3000));
    await vi.advanceTimersByTimeAsync(2999);
    expect(sent).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(sent).toHaveLength(2);
    expect(sent[1]?.payload).toEqual(sent[0]?.payload);
    sent[1]?.answer(stored);
    expect(await published).toBe("stored");
  });

  test("rejects what is refused for good, and sends what came behind it at once", async () => {
    const { connection, sent } = line();
    const outbox = outboxOf(budget(), () => connection);
    const bad = outcome(outbox.publish(...say("bad")));
    const good = outcome(outbox.publish(...say("good")));
    sent[0]?.answer(refused("INVALID_PAYLOAD", false));
    sent[1]?.answer(refused("OUT_OF_ORDER", true));
    await settle();
    expect(await bad).toBe("INVALID_PAYLOAD");
    expect(texts(sent)).toEqual(["bad", "good", "good"]);
    expect(sent[1]?.payload.after).toBe(sent[0]?.payload.id);
    expect(sent[2]?.payload.after).toBeUndefined();
    sent[2]?.answer(stored);
    expect(await good).toBe("stored");
  });

  test("settles what is in flight on the old connection before it uses the new one", async () => {
    const old = line("old");
    const next = line("next");
    let current = old.connection;
    const outbox = outboxOf(budget(), () => current);
    const first = outcome(outbox.publish(...say("first")));
    current = next.connection;
    outbox.resume();
    void outcome(outbox.publish(...say("second")));
    await settle();
    expect(next.sent).toEqual([]);
    old.sent[0]?.answer(stored);
    expect(await first).toBe("stored");
    await settle();
    expect(texts(next.sent)).toEqual(["second"]);
  });

  test("sends again on the new connection, with the same ids, what the old one never answered", async () => {
    const old = line("old");
    const next = line("next");
    let current = old.connection;
    const outbox = outboxOf(budget(), () => current);
    for (const text of ["a", "b"]) void outcome(outbox.publish(...say(text)));
    current = next.connection;
    old.state.isUp = false;
    for (const { answer } of old.sent) answer({ ok: false, error: { code: "TIMED_OUT", retryable: true } });
    await settle();
    expect(next.sent.map(({ payload }) => payload)).toEqual(old.sent.map(({ payload }) => payload));
  });

  test("gives up after the time for which the server remembers ids, and sends nothing of it any more", async () => {
    const outbox = outboxOf(budget(), () => undefined);
    const published = outcome(outbox.publish(...say("a")));
    await vi.advanceTimersByTimeAsync(limits.publishRetryMs);
    expect(await published).toBe("TIMED_OUT");
  });

  test("gives up what is too old by the wall clock, too, because timers stand still while the machine sleeps", async () => {
    const { connection, sent } = line();
    const outbox = outboxOf(budget(), () => connection);
    const old = outcome(outbox.publish(...say("old")));
    await vi.advanceTimersByTimeAsync(1000);
    const fresh = outcome(outbox.publish(...say("fresh")));
    // The machine sleeps: no timer runs meanwhile.
    vi.setSystemTime(Date.now() + limits.publishRetryMs - 1000);
    for (const { answer } of sent) answer({ ok: false, error: { code: "TIMED_OUT", retryable: true } });
    sent.length = 0;
    await settle();
    outbox.resume();
    expect(await old).toBe("TIMED_OUT");
    expect(texts(sent)).toEqual(["fresh"]);
    expect(sent[0]?.payload.after).toBeUndefined();
    sent[0]?.answer(stored);
    expect(await fresh).toBe("stored");
    expect(vi.getTimerCount()).toBe(0);
  });

  test("looks at the age of what was never sent, and of each one alone", async () => {
    const { connection, sent } = line();
    const shared = budget();
    let isJoined = false;
    const outbox = outboxOf(shared, () => (isJoined ? connection : undefined));
    const early = [say("a"), say("b")].map((message) => outcome(outbox.publish(...message)));
    // A clock that was set back makes a later entry look older than it is, and an earlier one younger.
    vi.setSystemTime(Date.now() - 3_600_000);
    const late = outcome(outbox.publish(...say("c")));
    vi.setSystemTime(Date.now() + limits.publishRetryMs);
    isJoined = true;
    outbox.resume();
    expect(await late).toBe("TIMED_OUT");
    expect(texts(sent)).toEqual(["a", "b"]);
    for (const { answer } of sent) answer(stored);
    expect(await Promise.all(early)).toEqual(["stored", "stored"]);
    await settle();
    void outcome(outbox.publish(...say("d")));
    expect(texts(sent)).toEqual(["a", "b", "d"]);
    expect(shared.messages).toBe(9);
  });

  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  const notJson: readonly (readonly [what: string, data: unknown])[] = [
    ["undefined", undefined],
    ["a function", () => 1],
    ["a symbol", Symbol("one")],
    ["a BigInt", 1n],
    ["a cycle", cycle],
    [
      "an object whose toJSON throws",
      {
        toJSON() {
          throw new Error("a mistake of the application");
        },
      },
    ],
  ];
  test.each(notJson)("rejects %s, which is not JSON, with INVALID_PAYLOAD", async (_, data) => {
    const { connection, sent } = line();
    const shared = budget();
    const outbox = outboxOf(shared, () => connection);
    const rejected: unknown = await outbox.publish("chat:message", data).catch((error: unknown) => error);
    expect(rejected).toBeInstanceOf(HoldfastError);
    expect(rejected).toMatchObject({ code: "INVALID_PAYLOAD", retryable: false, cause: expect.any(Error) });
    expect(sent).toEqual([]);
    expect(shared).toEqual(budget());
    expect(vi.getTimerCount()).toBe(0);
  });

  test("reports every acknowledgement before the promise of its publish resolves", async () => {
    const { connection, sent } = line();
    const told: unknown[] = [];
    const outbox = createOutbox(
      "room",
      budget(),
      () => connection,
      (...stored) => told.push(stored),
    );
    const published = ["a", "b", "c"].map((text) =>
      outbox.publish(...say(text)).then(
        ({ position }) => told.push(position),
        () => undefined,
      ),
    );
    sent[0]?.answer(stored);
    await settle();
    sent[1]?.answer(refused("INVALID_PAYLOAD", false));
    sent[2]?.answer({ ok: true, data: { position: "5-0", duplicate: true } });
    await Promise.all(published);
    const [first, , third] = sent.map(({ payload }) => payload.id);
    expect(told).toEqual([[first, "5-0", false], "5-0", [third, "5-0", true], "5-0"]);
  });

  test("sends a copy: what the application changes afterwards is not sent", () => {
    const { connection, sent } = line();
    const outbox = outboxOf(budget(), () => connection);
    const data = { text: "as it was" };
    void outcome(outbox.publish("chat:message", data));
    data.text = "changed";
    expect(texts(sent)).toEqual(["as it was"]);
  });

  test("refuses what is larger than the server takes, to the byte of its UTF-8 JSON", async () => {
    const outbox = outboxOf(budget(), () => undefined);
    const fits = "é".repeat((limits.dataBytes - 2) / 2);
    expect(await outcome(outbox.publish("chat:message", `${fits}x`))).toBe("PAYLOAD_TOO_LARGE");
    const waiting = outcome(outbox.publish("chat:message", fits));
    outbox.end({ code: "CLOSED", retryable: false });
    expect(await waiting).toBe("CLOSED");
  });

  test("refuses what is over its bytes or its count, and takes more when something has settled", async () => {
    const { connection, sent } = line();
    const shared = { messages: 2, bytes: 20 };
    const outbox = outboxOf(shared, () => connection);
    const other = outboxOf(shared, () => undefined);
    void outcome(outbox.publish("chat:message", "12345678"));
    expect(await outcome(other.publish("chat:message", "123456789"))).toBe("OUTBOX_FULL");
    void outcome(other.publish("chat:message", "1"));
    expect(await outcome(other.publish("chat:message", "1"))).toBe("OUTBOX_FULL");
    sent[0]?.answer(stored);
    await settle();
    expect(shared).toEqual({ messages: 1, bytes: 17 });
  });

  test("stores behind a publish what the application publishes when it hears that the first one cannot be kept", () => {
    const { connection, sent } = line();
    const shared: Budget = { ...budget(), keep: () => () => undefined };
    const outbox = outboxOf(shared, () => connection);
    shared.keep = () => {
      shared.keep = () => () => undefined;
      void outcome(outbox.publish(...say("told")));
      return () => undefined;
    };
    void outcome(outbox.publish(...say("first")));
    expect(texts(sent)).toEqual(["first", "told"]);
  });

  test("leaves no timer behind when it ends", async () => {
    const { connection, sent } = line();
    const outbox = outboxOf(budget(), () => connection);
    const published = outcome(outbox.publish(...say("a")));
    sent[0]?.answer(refused("UNAVAILABLE", true));
    await settle();
    outbox.end({ code: "CLOSED", retryable: false });
    expect(await published).toBe("CLOSED");
    expect(vi.getTimerCount()).toBe(0);
  });
});
