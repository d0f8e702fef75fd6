import uPlot from "uplot";
import { colour, lineOf } from "./colours.ts";
import { type Field, type Figure, format, together } from "./figures.ts";
import { redisAway, shownSeconds, type View, valuesOf } from "./history.ts";

const plotHeight = 132;
/** Where the time is named, in seconds before now. */
const marks = new Map([
  [-120, "−2 min"],
  [-90, ""],
  [-60, "−1 min"],
  [-30, ""],
  [0, "now"],
]);

/** A value between two holes has no line, so it is a point. */
const isolatedPoints: uPlot.Series.Points = {
  show: false,
  size: 4,
  filter: ({ data }, line) => {
    const values = data[line] ?? [];
    return [...values.keys()].filter(
      (at) => isNumber(values[at]) && !isNumber(values[at - 1]) && !isNumber(values[at + 1]),
    );
  },
};

export interface PlotParts {
  readonly figure: Figure;
  /** Is called with the second that the pointer is on, or undefined where it is on none. */
  readonly onPoint: (second: number | undefined) => void;
}

/** One figure of all instances over time, under its heading. */
export class Plot {
  readonly element = document.createElement("section");
  readonly figure: Figure;
  readonly #parts: PlotParts;
  readonly #value = document.createElement("output");
  readonly #note = document.createElement("span");
  readonly #canvas = document.createElement("div");
  #uplot: uPlot | undefined;
  /** Which lines there are; where they change, the plot is made again. */
  #lines = "";
  #view: View = { seconds: [], instances: [] };
  #away: readonly boolean[] = [];
  #all: readonly (number | null)[] = [];
  #medians: readonly (number | null)[] = [];

  constructor(parts: PlotParts) {
    this.#parts = parts;
    this.figure = parts.figure;
    const { title, explains, field } = parts.figure;
    const heading = document.createElement("h2");
    heading.textContent = title;
    heading.id = `title-${field}`;
    this.#note.className = "note";
    this.#note.textContent = explains;
    this.#canvas.className = "canvas";
    this.#canvas.setAttribute("aria-hidden", "true");
    this.element.className = "plot";
    this.element.dataset.field = field;
    this.element.setAttribute("aria-labelledby", heading.id);
    this.element.append(heading, this.#value, this.#note, this.#canvas);
    new ResizeObserver(() => this.#fit()).observe(this.#canvas);
  }

  draw(view: View): void {
    this.#view = view;
    this.#away = redisAway(view);
    const { field, together: rule, median } = this.figure;
    const linesOf = (name: Field) => view.instances.map((instance) => valuesOf(instance, name, view.seconds));
    const oneOf = (lines: readonly (readonly (number | null)[])[]) =>
      view.seconds.map((_, index) =>
        together(
          lines.map((line) => line[index]),
          rule,
        ),
      );
    const lines = linesOf(field);
    const all = oneOf(lines);
    const medians = median === undefined ? [] : [oneOf(linesOf(median))];
    this.#all = all;
    this.#medians = medians[0] ?? [];
    // uPlot takes arrays that it may change.
    const data = [[...view.seconds], ...[...lines, ...medians, all].map((line) => [...line])] as uPlot.AlignedData;
    const ids = view.instances.map(({ id, slot }) => `${id} ${slot}`).join();
    if (this.#uplot === undefined || ids !== this.#lines) {
      this.#lines = ids;
      this.#make(data);
    } else {
      this.#uplot.setData(data);
    }
  }

  /** Makes the plot again, in the colours that are now. */
  recolour(): void {
    this.#lines = "";
    this.draw(this.#view);
  }

  /** Shows the value of a second; of the last one where none is given. */
  read(second: number | undefined): void {
    const { seconds, instances } = this.#view;
    const { field, unit, explains, isEvent, isAlarm } = this.figure;
    const shown = second ?? seconds.at(-1);
    if (shown === undefined) return;
    const index = seconds.indexOf(shown);
    const [value = null, medianValue] = [this.#all[index], this.#medians[index]];
    const inAll = this.#all.reduce<number>((sum, each) => sum + (each ?? 0), 0);
    const isAway = field === "redisP99Ms" && instances.some(({ at }) => at(shown)?.isRedisUp === false);
    this.#value.textContent = isAway ? "away" : format(value);
    if (!isAway && value !== null && unit !== "") this.#value.append(small(unit));
    if (isEvent) this.#note.textContent = `${explains} · ${format(inAll)} in 2 min`;
    else if (typeof medianValue === "number") this.#note.textContent = `${explains} · median ${format(medianValue)} ms`;
    else this.#note.textContent = explains;
    this.element.classList.toggle("alarm", isAway || (isAlarm === true && inAll > 0));
  }

  /** Marks a second that the pointer is on in another plot. */
  point(second: number | undefined): void {
    const uplot = this.#uplot;
    if (uplot === undefined) return;
    const left = second === undefined ? -10 : uplot.valToPos(second, "x");
    uplot.setCursor({ left, top: -10 }, false);
  }

  #make(data: uPlot.AlignedData): void {
    this.#uplot?.destroy();
    const { instances } = this.#view;
    const { atLeast, median, isEvent, unit } = this.figure;
    const ink = colour("ink");
    const axis = {
      stroke: colour("soft"),
      font: "11px system-ui, sans-serif",
      grid: { stroke: colour("grid"), width: 1 },
      ticks: { show: false },
    };
    const options: uPlot.Options = {
      width: this.#canvas.clientWidth,
      height: plotHeight,
      padding: [8, 12, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      scales: {
        x: { time: false, range: (uplot) => rangeOf(uplot) },
        y: { range: (_, __, highest) => [0, topOf(Math.max(highest ?? 0, atLeast))] },
      },
      axes: [
        {
          ...axis,
          size: 22,
          gap: 4,
          splits: (uplot) => [...marks.keys()].map((mark) => rangeOf(uplot)[1] + mark),
          values: (_, splits) => splits.map((split) => marks.get(Math.round(split - (splits.at(-1) ?? 0))) ?? ""),
        },
        {
          ...axis,
          size: 40,
          gap: 6,
          space: 30,
          incrs: [0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6],
          values: (_, splits) => splits.map((split) => format(split)),
        },
      ],
      series: [
        {},
        ...instances.map(({ id, slot }) => ({
          stroke: () => this.#strokeOf(id),
          width: 1.5,
          dash: lineOf(slot, false).dash,
          points: isolatedPoints,
        })),
        ...(median === undefined ? [] : [{ stroke: ink, width: 1, dash: [2, 3], points: isolatedPoints }]),
        {
          stroke: ink,
          width: 2.5,
          points: isolatedPoints,
          ...(isEvent || unit !== "ms" ? { fill: colour("area") } : {}),
        },
      ],
      hooks: {
        drawClear: [(uplot) => this.#shadeAway(uplot)],
        setCursor: [(uplot) => this.#pointed(uplot)],
      },
    };
    this.#uplot = new uPlot(options, data, this.#canvas);
  }

  #strokeOf(id: string): string {
    const instance = this.#view.instances.find((each) => each.id === id);
    return lineOf(instance?.slot ?? 0, instance?.isGone ?? true).stroke;
  }

  /** Shades the time in which an instance was without Redis. */
  #shadeAway(uplot: uPlot): void {
    const { ctx, bbox } = uplot;
    ctx.save();
    ctx.fillStyle = colour("away");
    for (const [index, isAway] of this.#away.entries()) {
      const second = this.#view.seconds[index] ?? 0;
      const [from, to] = [second - 1, second].map((each) => uplot.valToPos(each, "x", true));
      if (isAway && from !== undefined && to !== undefined) {
        const left = Math.max(from, bbox.left);
        ctx.fillRect(left, bbox.top, to - left, bbox.height);
      }
    }
    ctx.restore();
  }

  #pointed(uplot: uPlot): void {
    // Only the plot that the pointer is on tells the others.
    if (!this.element.matches(":hover")) return;
    const { left = -1, idx } = uplot.cursor;
    this.#parts.onPoint(left >= 0 && isNumber(idx) ? this.#view.seconds[idx] : undefined);
  }

  #fit(): void {
    const { clientWidth } = this.#canvas;
    if (this.#uplot !== undefined && this.#uplot.width !== clientWidth)
      this.#uplot.setSize({ width: clientWidth, height: plotHeight });
  }
}

/** The whole time that is shown, whether there is something in all of it or not. */
function rangeOf({ data: [seconds] }: uPlot): [number, number] {
  const last = seconds.at(-1) ?? 0;
  return [last - shownSeconds, last];
}

/** The next round number. */
function topOf(highest: number): number {
  const power = 10 ** Math.floor(Math.log10(highest));
  return ([1, 2, 5, 10].find((digit) => digit * power >= highest) ?? 10) * power;
}

function isNumber(value: unknown): value is number {
  return typeof value === "number";
}

function small(text: string): HTMLElement {
  const element = document.createElement("small");
  element.textContent = text;
  return element;
}
