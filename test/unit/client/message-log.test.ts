import { createHooks } from "@holdfast/client/react";
import { expect, expectTypeOf, test } from "vitest";
import { append, logOf, NO_LOG, select } from "../../../client/src/react/message-log.ts";
import { beginOf, prepend } from "../../../client/src/react/older-messages.ts";
import type { contract } from "../../react/scene.tsx";

const message = (seq: number, event = "note") => ({
  position: `5-${seq}` as const,
  id: `message-${seq}`,
  event,
  data: {},
  from: { user: null, session: null },
  sentAtMs: 0,
  replayed: true,
});
const logTo = (...numbers: number[]) => ({ ...NO_LOG, entries: numbers.map((seq) => message(seq)) });
const positions = ({ entries }: { entries: readonly { position: string }[] }) => entries.map((entry) => entry.position);

test("new messages push the oldest out", () => {
  expect(positions(append(logTo(1, 2), message(3), 2))).toEqual(["5-2", "5-3"]);
});

test("older messages come in front as far as they fit, without those that are there already", () => {
  const log = prepend(logTo(3, 4), [message(1), message(2), message(3)], true, 3);
  expect(positions(log)).toEqual(["5-2", "5-3", "5-4"]);
  expect(log.isCut).toBe(true);
  expect(prepend(logTo(3), [message(3)], true, 9).isCut).toBe(false);
});

test("what lies before a log is asked for from its first message, or from behind the end of an empty one", () => {
  expect(beginOf(logTo(3, 4), "5-9")).toBe("5-3");
  expect(beginOf(NO_LOG, "5-9")).toBe("5-10");
  expect(beginOf({ ...NO_LOG, entries: [{ after: "5-2", position: "6-0" }] }, "6-1")).toBe("5-3");
  expect(beginOf(NO_LOG, undefined)).toBeUndefined();
});

test("a page goes on behind its last message, an empty one behind its position", () => {
  const page = { position: "5-9", recovered: true, complete: true } as const;
  expect(logOf({ ...page, messages: [message(7)] }).end).toBe("5-7");
  expect(logOf({ ...page, messages: [] }).end).toBe("5-9");
});

test("a gap is told by the index of the next message that is shown", () => {
  const gap = { after: "5-1", position: "5-4" } as const;
  const entries = [message(1), gap, message(4, "other"), message(5), gap];
  const { messages, gaps } = select({ ...NO_LOG, entries }, "note");
  expect(messages.map(({ position }) => position)).toEqual(["5-1", "5-5"]);
  expect([...gaps.keys()]).toEqual([1, 2]);
});

test("hooks are typed by the contract", () => {
  const hooks = createHooks<typeof contract>();
  const use = () => {
    const room = hooks.useRoom("lobby");
    expectTypeOf(hooks.useMessages(room, "note").messages[0]?.data).toEqualTypeOf<{ text: string } | undefined>();
    // @ts-expect-error: the contract has no such message.
    hooks.useMessages(room, "nota");
    // @ts-expect-error: a signal is no message.
    hooks.useSignal(room, "note", () => undefined);
    // @ts-expect-error: the contract has no such request.
    hooks.useRequest("triple");
    return hooks.useRequest("double")({ value: 1 });
  };
  expectTypeOf(use).returns.resolves.toEqualTypeOf<{ value: number }>();
});
