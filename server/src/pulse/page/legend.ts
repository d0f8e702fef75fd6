import { colour, lineOf } from "./colours.ts";
import type { View } from "./history.ts";

const svgNamespace = "http://www.w3.org/2000/svg";

/** Names the lines: all together, and each instance. */
export function drawLegend(list: HTMLElement, { instances, seconds }: View): void {
  const last = seconds.at(-1) ?? 0;
  const entries = instances.map(({ name, slot, isGone, at }) => {
    const isAway = !isGone && at(last)?.isRedisUp === false;
    const { stroke, dash } = lineOf(slot, isGone);
    const item = entry(name, { stroke, dash, width: 2 });
    item.classList.toggle("gone", isGone);
    if (isGone) item.append(note("gone"));
    if (isAway) item.append(note("no Redis"));
    return item;
  });
  list.replaceChildren(entry("together", { stroke: colour("ink"), dash: [], width: 3.5 }), ...entries);
}

function entry(name: string, line: { stroke: string; dash: readonly number[]; width: number }): HTMLLIElement {
  const item = document.createElement("li");
  const label = document.createElement("span");
  label.textContent = name;
  label.title = name;
  item.append(sampleOf(line), label);
  return item;
}

function sampleOf({ stroke, dash, width }: { stroke: string; dash: readonly number[]; width: number }): SVGElement {
  const svg = document.createElementNS(svgNamespace, "svg");
  const line = document.createElementNS(svgNamespace, "line");
  const attributes = { x1: 1, y1: 5, x2: 21, y2: 5, stroke, "stroke-width": width, "stroke-dasharray": dash.join(" ") };
  for (const [name, value] of Object.entries(attributes)) line.setAttribute(name, String(value));
  svg.setAttribute("viewBox", "0 0 22 10");
  svg.setAttribute("aria-hidden", "true");
  svg.append(line);
  return svg;
}

function note(text: string): HTMLElement {
  const element = document.createElement("em");
  element.textContent = text;
  return element;
}
