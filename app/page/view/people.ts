import { initials, type People, toneOf } from "../state/people.ts";
import type { State } from "../state/state.ts";
import { h, type Node } from "./dom.ts";
import { countOf } from "./words.ts";

const shownPeople = 40;

export function people({ count, here }: People): Node[] {
  const items = here
    .slice(0, shownPeople)
    .map(({ session, name, isOwn }) =>
      h(
        "li",
        { key: session },
        h("span", { class: `avatar tone-${toneOf(session)}`, "aria-hidden": "true" }, initials(name)),
        h("span", { class: "name" }, name),
        isOwn ? h("span", { class: "you" }, "you") : undefined,
      ),
    );
  const others = (count ?? 0) - items.length;
  if (others > 0) items.push(h("li", { key: "others" }, `and ${countOf(others, "other")}`));
  return items;
}

export function rooms({ rooms: all, room }: State): Node[] {
  return all.map((name) =>
    h(
      "li",
      { key: name },
      h("a", { href: `#${name}`, ...(name === room ? { "aria-current": "page" } : {}) }, h("span", {}, `#${name}`)),
    ),
  );
}
