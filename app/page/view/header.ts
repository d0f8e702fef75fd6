import type { Link } from "../state/link.ts";
import type { State } from "../state/state.ts";
import { isUp } from "./connection.ts";
import { h, type Node } from "./dom.ts";
import { countOf, durationOf, longDurationOf } from "./words.ts";

/** How long the page speaks of a move or a return after it. */
const newsMs = 5_000;

export function title({ room, people, link }: State): Node[] {
  const here = people.count === undefined ? "" : `${countOf(people.count, "person", "people")} here`;
  return [h("h1", {}, `#${room}`), h("p", { id: "here" }, link.status === "connecting" ? "" : here)];
}

/** What the header says of the connection, in a word or two. */
function statusWord({ status, isOnline }: Link): string {
  if (status === "connecting" || status === "reconnecting") {
    if (!isOnline) return "Offline";
    return status === "connecting" ? "Connecting" : "Reconnecting";
  }
  return { connected: "Connected", moving: "Moving", closed: "Closed" }[status];
}

export function pill(link: Link, nowMs: number): Node[] {
  const deadlineMs = isUp(link) ? link.stays.at(-1)?.deadlineMs : undefined;
  const left = deadlineMs === undefined ? "" : longDurationOf(Math.max(0, deadlineMs - nowMs));
  return [h("span", { class: "word" }, statusWord(link)), h("span", { class: "left", "aria-hidden": "true" }, left)];
}

/** What keeps the page from working as usual, or has just ended; screen readers tell it. */
export function banner(state: State, nowMs: number): Node[] {
  const { link, trouble } = state;
  const line = (tone: string, ...text: (Node | string)[]) => [h("p", { class: tone }, ...text)];
  if (trouble !== undefined) return line("bad", trouble);
  if (link.status === "closed") return line("bad", "The connection is closed. Reload the page to come back.");
  if (!isUp(link) && !link.isOnline) {
    return line("away", h("b", {}, "You are offline."), " Go on writing: it goes out when you are back.");
  }
  if (link.status === "reconnecting") {
    return line("away", h("b", {}, "The connection was cut."), " It comes back by itself; go on writing.");
  }
  const back = returnOf(link, nowMs);
  return back === undefined
    ? []
    : line("good", `Back after ${durationOf(back)}. What was said meanwhile was read from the log.`);
}

function returnOf({ stays }: Link, nowMs: number): number | undefined {
  const [before, current] = stays.slice(-2);
  if (before?.end !== "cut" || current === undefined || nowMs - current.fromMs > newsMs) return undefined;
  return current.fromMs - (before.toMs ?? current.fromMs);
}

/** A move, as it happens and for a moment after it. It disturbs nobody, so screen readers are silent about it. */
export function move({ stays, status }: Link, nowMs: number): Node[] {
  if (status === "moving") return [h("p", { class: "moving" }, "Moving to a new connection…")];
  const [before, current] = stays.slice(-2);
  if (status !== "connected" || before?.end !== "moved" || current === undefined) return [];
  if (nowMs - current.fromMs > newsMs) return [];
  const where = current.instance === undefined ? "" : ` to ${current.instance}`;
  const early =
    before.deadlineMs === undefined ? "" : `, ${durationOf(before.deadlineMs - current.fromMs)} before the cut`;
  return [h("p", { class: "moving" }, `Moved${where} in ${durationOf(before.moveMs ?? 0)}${early}`)];
}

/** What waits, in a line above the composer: also what an earlier load of the page has left, which the list does not show. */
export function waitingLine({ link }: State, waiting: number): string {
  if (link.status === "connected") return "";
  return waiting === 0 ? "" : `${countOf(waiting, "message")} waiting to go out`;
}

/** Who writes just now. */
export function typingLine({ people }: State): string {
  const names = [...people.typing.values()].map(({ name }) => name);
  const [first, second] = names;
  if (first === undefined) return "";
  if (second === undefined) return `${first} is typing…`;
  return names.length === 2
    ? `${first} and ${second} are typing…`
    : `${first} and ${names.length - 1} others are typing…`;
}
