import { initials, toneOf } from "../state/people.ts";
import type { State } from "../state/state.ts";
import type { Actions } from "./actions.ts";
import { h, type Node } from "./dom.ts";
import { reactButton, reactions } from "./reactions.ts";
import { type MessageRow, type Row, rowsOf } from "./rows.ts";
import { dayOf, timeOf, withLinks } from "./words.ts";

/** With more entries than this a room needs no advice. */
const talkative = 8;

/** The list of messages. */
export function messages(state: State, actions: Actions, nowMs: number): Node[] {
  const rows = rowsOf(state);
  const last = rows.findLast((row) => row.kind === "message" && row.message.kind === "said");
  return rows.map((row) => rowNode(row, row === last, state, actions, nowMs));
}

function rowNode(row: Row, isLast: boolean, state: State, actions: Actions, nowMs: number): Node {
  switch (row.kind) {
    case "beginning":
      return h("li", { key: "beginning", class: "beginning" }, ...welcome(state));
    case "older":
      return h("li", { key: "older", class: "divider" }, "Reading older messages…");
    case "day":
      return h("li", { key: `day ${row.atMs}`, class: "divider" }, h("span", {}, dayOf(row.atMs, nowMs)));
    case "new":
      return h("li", { key: "new", class: "divider new" }, h("span", {}, "New"));
    case "missing":
      return h(
        "li",
        { key: row.id, class: "missing" },
        h("strong", {}, "Messages may be missing here."),
        " The room's log was lost in part, or no longer reaches back so far. Everything else is in order.",
      );
    case "message":
      return messageNode(row, isLast, state, actions);
  }
}

/** Says at the beginning of a room what is worth trying, as long as hardly anybody has said anything. */
function welcome({ room, timeline }: State): Node[] {
  const name = h("strong", {}, `This is the beginning of #${room}`);
  if (timeline.entries.length > talkative) return [name];
  return [
    name,
    h("p", {}, "Platforms cut every connection sooner or later. Here every message still arrives: once, and in order."),
    h(
      "ol",
      {},
      h("li", {}, "Open this page in a second tab and talk to yourself."),
      h("li", {}, "Cut your connection, and go on writing in both tabs."),
      h(
        "li",
        {},
        "Watch the clock: where the platform has a time limit, the tab moves to a new connection before it is over.",
      ),
    ),
  ];
}

function messageNode(row: MessageRow, isLast: boolean, state: State, actions: Actions): Node {
  const { message, sender, isOwn, isFirst } = row;
  const waits = message.kind === "waiting";
  const classes = ["message", isOwn && "own", isFirst && "first", waits && "waiting", isFailed(row) && "failed"];
  return h(
    "li",
    { key: message.id, class: classes.filter(Boolean).join(" ") },
    h(
      "span",
      { class: `avatar tone-${toneOf(row.senderKey)}`, "aria-hidden": "true" },
      isFirst ? initials(sender) : "",
    ),
    h(
      "p",
      { class: isFirst ? "who" : "who unseen" },
      h("b", {}, isOwn ? "You" : sender),
      h("time", { datetime: new Date(row.atMs).toISOString() }, timeOf(row.atMs)),
    ),
    h(
      "div",
      { class: "says" },
      h("p", { class: "bubble" }, ...text(message.text)),
      waits ? undefined : reactButton({ row, said: message, isLast }, state, actions),
    ),
    waits ? fate(row, state, actions) : reactions({ row, said: message }, state, actions),
  );
}

function isFailed({ message }: MessageRow): boolean {
  return message.kind === "waiting" && message.failure !== undefined;
}

/** What becomes of a message that is not in the room yet. */
function fate({ message }: MessageRow, { link }: State, actions: Actions): Node {
  if (message.kind === "waiting" && message.failure !== undefined) {
    return h(
      "p",
      { class: "fate" },
      `Not sent: ${message.failure} `,
      h("button", { type: "button", onclick: () => actions.sendAgain(message.id) }, "Send again"),
    );
  }
  const isUp = link.status === "connected" || link.status === "moving";
  return h("p", { class: "fate" }, isUp ? "Sending…" : "Waiting for the connection");
}

function text(whole: string): (Node | string)[] {
  return withLinks(whole).map(({ text: part, href }) =>
    href === undefined ? part : h("a", { href, target: "_blank", rel: "noopener noreferrer" }, part),
  );
}
