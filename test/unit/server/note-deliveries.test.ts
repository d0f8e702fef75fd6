import { expect, test } from "vitest";
import { type ChainLink, exceptedIn, signalFrame } from "../../../server/src/broadcast/frame.ts";
import { messagesIn } from "../../../server/src/sockets/note-deliveries.ts";

test.each<[string, ChainLink, number]>([
  ["of one epoch", { previous: "5-3", head: "5-7" }, 4],
  ["that begins a log", { previous: "0-0", head: "1700000000000-0" }, 1],
  ["that begins another epoch", { previous: "5-3", head: "9-2" }, 3],
  ["behind a loss entry, which is in its epoch", { previous: "9-0", head: "9-2" }, 2],
])("a batch %s has its messages counted", (_which, { previous = "0-0", head }, messages) => {
  expect(messagesIn(previous, head)).toBe(messages);
});

test.each(["", "socket-1"])("the sender of a signal is read from its frame: %j", (sender) => {
  const signal = { event: "typing", dataJson: "{}", from: { user: null, session: null } };
  expect(exceptedIn(Buffer.from(signalFrame("lobby", signal, sender, 1)))).toBe(sender);
});
