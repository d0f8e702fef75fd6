import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Budget, Kept } from "../../../client/src/outbox.ts";
import { openSessionOutbox } from "../../../client/src/session-outbox.ts";

/** The storage of a tab, which refuses to be written while it is full. */
function storage() {
  const store: Record<string, string> = {};
  const state = { isFull: false };
  const methods = {
    getItem: (key: string) => store[key] ?? null,
    removeItem: (key: string) => void delete store[key],
    setItem(key: string, value: string) {
      if (state.isFull) throw new DOMException("full", "QuotaExceededError");
      store[key] = value;
    },
  };
  for (const [name, value] of Object.entries(methods)) Object.defineProperty(store, name, { value });
  vi.stubGlobal("sessionStorage", store);
  return { store, state };
}

const key = "holdfast https://rooms.example";
const session = "a-session-of-the-test";
const kept = (id: string, calledAtMs = Date.now()): Kept => ({
  room: "lobby",
  id,
  event: "chat:message",
  data: { text: id },
  calledAtMs,
});

function open() {
  const page = new EventTarget();
  const budget: Budget = { messages: 10, bytes: 1000 };
  const published: Kept[] = [];
  const failures: unknown[] = [];
  const close = openSessionOutbox({
    key,
    session,
    page,
    budget,
    publish: async (entry) => void published.push(entry),
    refused: (error) => failures.push(error),
    failed: (cause) => failures.push(cause),
  });
  const keep = (entry: Kept) => budget.keep?.(entry) ?? (() => undefined);
  return { page, published, failures, close, keep };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("an outbox that is kept over a reload", () => {
  test("gives the next load what was left, in the order of the calls, and no more than once", () => {
    storage();
    const before = open();
    const entries = Array.from({ length: 12 }, (_, index) => kept(`message-${index}`));
    const forget = entries.map(before.keep);
    forget[3]?.();
    expect(open().published).toEqual(entries.filter((_, index) => index !== 3));
    expect(open().published).toEqual([]);
  });

  test("keeps the session while no page is there, so that a tab that is duplicated gets none", () => {
    const { store } = storage();
    const { page, close } = open();
    expect(store[key]).toBeUndefined();
    page.dispatchEvent(new Event("pagehide"));
    expect(store[key]).toBe(session);
    page.dispatchEvent(new Event("pageshow"));
    expect(store[key]).toBeUndefined();
    close();
    page.dispatchEvent(new Event("pagehide"));
    expect(store[key]).toBeUndefined();
  });

  test("takes no harm from what is not its own", () => {
    const { store } = storage();
    const foreign = ["", "null", "7", "[]", "{}", "{", JSON.stringify({ ...kept("message-1"), id: "no id" })];
    for (const [index, text] of foreign.entries()) store[`${key} other ${index}`] = text;
    for (const field of ["room", "event", "data", "calledAtMs"]) {
      store[`${key} without ${field} 1`] = JSON.stringify({ ...kept("message-2"), [field]: undefined });
    }
    store["another application's"] = "its own";
    const { published, failures } = open();
    expect(published).toEqual([]);
    expect(failures).toEqual([]);
    expect(store).toEqual({ "another application's": "its own" });
  });

  test("takes a message that claims to come from the future for one that is too old", () => {
    const { store } = storage();
    store[`${key} other 1`] = JSON.stringify(kept("message-1", Date.now() + 1000));
    expect(open().published).toMatchObject([{ calledAtMs: 0 }]);
  });

  test("tells once that the storage is full, and again when that has changed meanwhile", () => {
    const { state } = storage();
    const { keep, failures, page } = open();
    state.isFull = true;
    keep(kept("message-1"))();
    keep(kept("message-2"));
    page.dispatchEvent(new Event("pagehide"));
    expect(failures).toEqual([expect.objectContaining({ name: "QuotaExceededError" })]);
    state.isFull = false;
    keep(kept("message-3"));
    state.isFull = true;
    keep(kept("message-4"));
    expect(failures).toHaveLength(2);
  });

  test("does without where there is no storage", () => {
    vi.stubGlobal("sessionStorage", undefined);
    const { keep, failures } = open();
    keep(kept("message-1"))();
    expect(failures).toEqual([expect.any(TypeError)]);
  });
});
