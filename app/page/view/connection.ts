import type { Link, Stay } from "../state/link.ts";
import { pieces } from "../state/link.ts";
import type { State } from "../state/state.ts";
import type { Actions } from "./actions.ts";
import { h, type Node } from "./dom.ts";
import { clockTimeOf, durationOf, longDurationOf } from "./words.ts";

/** What the strip shows. */
const windowMs = 90_000;
const shownStays = 6;
/** Each instance of the journey has a colour of its own, until there are more of them. */
const tones = 6;

/** The tab's connection: who serves it, how long, and what became of those before it. */
export function connection(state: State, actions: Actions, nowMs: number): Node[] {
  const { link } = state;
  const toneOf = tonesOf(link);
  const gaps = gapsIn(state);
  const current = isUp(link) ? link.stays.at(-1) : undefined;
  return [
    h("h2", {}, "This connection"),
    clock(link, current, nowMs),
    h(
      "p",
      { class: "served" },
      "Served by ",
      current?.instance === undefined ? "nobody just now" : chip(current.instance, toneOf),
    ),
    strip(link, toneOf, nowMs),
    h("p", { class: "scale", "aria-hidden": "true" }, h("span", {}, "90 s ago"), h("span", {}, "now")),
    h(
      "dl",
      { class: "counts" },
      ...count("Moves", String(link.moves)),
      ...count("Cuts", String(link.cuts)),
      ...count("Gaps", String(gaps), gaps === 0 ? "good" : "bad"),
    ),
    h("button", { type: "button", class: "cut", disabled: !isUp(link), onclick: actions.cut }, "Cut my connection"),
    h(
      "p",
      { class: "hint" },
      "Ends it without a goodbye, as a failing network does. Write meanwhile: nothing is lost, nothing comes twice.",
    ),
    h("h3", {}, "What happened"),
    h("ol", { class: "journey" }, ...journey(link, toneOf)),
  ];
}

export function isUp({ status }: Link): boolean {
  return status === "connected" || status === "moving";
}

function gapsIn({ timeline }: State): number {
  return timeline.entries.filter(({ kind }) => kind === "missing").length;
}

function count(what: string, value: string, tone = ""): Node[] {
  return [h("div", { class: tone }, h("dt", {}, what), h("dd", {}, value))];
}

/** A ring that empties until the platform cuts the connection. */
function clock(link: Link, current: Stay | undefined, nowMs: number): Node {
  if (current === undefined) {
    const word = link.status === "closed" ? "closed" : link.isOnline ? "…" : "offline";
    return ring(0, word, link.status === "connecting" ? "connecting" : "coming back by itself", "away");
  }
  const { deadlineMs, lifeMs } = current;
  if (deadlineMs === undefined || lifeMs === undefined) {
    return ring(1, "∞", current.instance === undefined ? "asking the server" : "nothing cuts connections here", "calm");
  }
  const leftMs = Math.max(0, deadlineMs - nowMs);
  const isMoving = link.status === "moving";
  return ring(
    leftMs / lifeMs,
    longDurationOf(leftMs),
    isMoving ? "moving to a new one" : "until the platform cuts it",
    isMoving ? "moving" : leftMs / lifeMs < 0.25 ? "late" : "calm",
  );
}

function ring(share: number, big: string, small: string, mood: string): Node {
  return h(
    "div",
    { class: `ring ${mood}`, "--share": share.toFixed(3) },
    h("p", {}, h("strong", {}, big), h("span", {}, small)),
  );
}

function strip(link: Link, toneOf: (instance: string | undefined) => number, nowMs: number): Node {
  const shown = pieces(link, nowMs, windowMs);
  const cuts = shown.filter(({ isAway }) => isAway).length;
  const parts = shown.map(({ key, instance, isAway, ms }) =>
    h("span", { key, class: isAway ? "away" : `tone-${toneOf(instance)}`, "--ms": Math.round(ms) }),
  );
  return h(
    "div",
    {
      class: "strip",
      role: "img",
      "aria-label": `The last 90 seconds: ${shown.length - cuts} connections, ${cuts} times without one`,
    },
    ...parts,
  );
}

function journey(link: Link, toneOf: (instance: string | undefined) => number): Node[] {
  const { stays } = link;
  const lines = stays.map((stay, index) => {
    const before = stays[index - 1];
    return h(
      "li",
      { key: String(stay.fromMs), class: before?.end ?? "begun" },
      h("time", {}, clockTimeOf(stay.fromMs)),
      h("span", {}, ...reason(stay, before), chip(stay.instance, toneOf)),
    );
  });
  const last = stays.at(-1);
  if (last?.end === "cut") {
    const time = h("time", {}, clockTimeOf(last.toMs ?? 0));
    lines.push(h("li", { key: `${last.toMs} cut`, class: "cut" }, time, h("span", {}, "Cut; coming back…")));
  }
  return lines.toReversed().slice(0, shownStays);
}

function reason(stay: Stay, before: Stay | undefined): (Node | string)[] {
  if (before === undefined) return ["Connected to "];
  if (before.end === "moved") {
    const early = before.deadlineMs === undefined ? "" : `, ${durationOf(before.deadlineMs - stay.fromMs)} early`;
    return ["Moved", h("small", {}, ` in ${durationOf(before.moveMs ?? 0)}${early}`), " to "];
  }
  return ["Back", h("small", {}, ` after ${durationOf(stay.fromMs - (before.toMs ?? stay.fromMs))}`), " on "];
}

function chip(instance: string | undefined, toneOf: (instance: string | undefined) => number): Node {
  return h("b", { class: `instance tone-${toneOf(instance)}` }, instance ?? "…");
}

/** Instances in the order in which they served this tab. */
function tonesOf({ stays }: Link): (instance: string | undefined) => number {
  const seen = [...new Set(stays.flatMap(({ instance }) => instance ?? []))];
  return (instance) => Math.max(0, seen.indexOf(instance ?? "")) % tones;
}
