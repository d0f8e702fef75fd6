import { nameOf } from "../state/people.ts";
import type { State } from "../state/state.ts";
import type { Said } from "../state/timeline.ts";
import type { Actions } from "./actions.ts";
import { h, type Node } from "./dom.ts";
import type { MessageRow } from "./rows.ts";

const offered = [
  ["👍", "thumbs up"],
  ["❤️", "heart"],
  ["😂", "laughing"],
  ["🎉", "party"],
  ["👀", "eyes"],
  ["🚀", "rocket"],
] as const;

/** What a screen reader calls an emoji. */
function wordFor(emoji: string): string {
  return offered.find(([known]) => known === emoji)?.[1] ?? emoji;
}

/** The button that offers reactions. The Tab key reaches that of the last message; arrows lead from one to another. */
export function reactButton(
  { row, said, isLast }: { row: MessageRow; said: Said; isLast: boolean },
  { picking }: State,
  actions: Actions,
): Node {
  const isOpen = picking === said.id;
  return h(
    "button",
    {
      type: "button",
      class: "react",
      "aria-expanded": String(isOpen),
      "aria-label": `React to ${row.isOwn ? "your message" : row.sender}: ${said.text.slice(0, 60)}`,
      tabindex: isLast ? "0" : "-1",
      onclick: () => actions.pick(isOpen ? undefined : said.id),
    },
    h("span", { "aria-hidden": "true", class: "plus" }),
  );
}

/** The reactions to a message, and those that are offered. */
export function reactions(
  { row, said }: { row: MessageRow; said: Said },
  state: State,
  actions: Actions,
): Node | undefined {
  const chips = [...(row.reactions ?? [])].map(([emoji, senders]) => chip(emoji, senders, said, state, actions));
  const offer = state.picking === said.id ? [picker(said, actions)] : [];
  return chips.length + offer.length === 0 ? undefined : h("div", { class: "reactions" }, ...chips, ...offer);
}

function chip(emoji: string, senders: ReadonlySet<string>, said: Said, state: State, actions: Actions): Node {
  const isOwn = senders.has(state.session);
  const names = [...senders].map((sender) => {
    if (sender === state.session) return "you";
    const here = state.people.here.find(({ session }) => session === sender);
    return here?.name ?? nameOf({ user: null, session: sender }, undefined);
  });
  return h(
    "button",
    {
      key: emoji,
      type: "button",
      class: "chip",
      tabindex: "-1",
      "aria-pressed": String(isOwn),
      "aria-label": `${wordFor(emoji)}, ${senders.size}: ${names.join(", ")}`,
      title: names.join(", "),
      onclick: () => actions.react(said.position, emoji),
    },
    `${emoji} ${senders.size}`,
  );
}

function picker(said: Said, actions: Actions): Node {
  const buttons = offered.map(([emoji, word]) =>
    h("button", { type: "button", "aria-label": word, onclick: () => actions.react(said.position, emoji) }, emoji),
  );
  return h("div", { key: "picker", class: "picker", role: "group", "aria-label": "Reactions" }, ...buttons);
}
