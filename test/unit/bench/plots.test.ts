import fc from "fast-check";
import { expect, test } from "vitest";
import { drawPlot } from "../../bench/page/plots/figure.ts";
import { linear, logarithmic, named, type Scale } from "../../bench/page/plots/scale.ts";
import { bars, percentiles, timeLine } from "../../bench/plots.ts";
import { countsOf } from "../../bench/rig/histogram.ts";

const labels = (scale: Scale) => scale.ticks.map(({ label }) => label);
const amount = fc.double({ min: 1e-6, max: 1e9, noNaN: true });

test("an axis begins at 0, ends above the most, and names a few round numbers", () => {
  expect(labels(linear(7.3))).toEqual(["0", "2", "4", "6", "8"]);
  expect(labels(linear(0))).toEqual(["0", "0.5", "1"]);
  fc.assert(
    fc.property(amount, (most) => {
      const scale = linear(most);
      expect(scale.at(most)).toBeGreaterThan(0.5);
      expect(scale.at(most)).toBeLessThanOrEqual(1 + 1e-9);
      expect(scale.ticks.length).toBeLessThanOrEqual(6);
    }),
  );
});

test("on an axis of decades, every value lies within it, and what is 0 at its beginning", () => {
  expect(labels(logarithmic([3, 0, 240]))).toEqual(["1", "10", "100", "1,000"]);
  expect(labels(logarithmic([]))).toEqual(["1", "10"]);
  fc.assert(
    fc.property(fc.array(amount, { minLength: 1 }), (values) => {
      const { at } = logarithmic(values);
      expect(at(0)).toBe(0);
      for (const value of values) {
        expect(at(value)).toBeGreaterThanOrEqual(-1e-9);
        expect(at(value)).toBeLessThanOrEqual(1 + 1e-9);
      }
    }),
  );
});

test("names lie at equal distances, from one end of the axis to the other", () => {
  const { at, ticks } = named(["half", "most", "all"]);
  expect(ticks.map(({ value }) => at(value))).toEqual([0, 0.5, 1]);
});

test("a bar is as long as its value, its parts behind each other, and the whole is written beside it", () => {
  const figures = [
    { name: "server", unit: "us", values: [1, 3] },
    { name: "Redis", unit: "us", values: [1, 1] },
  ];
  const { text } = drawPlot(bars("CPU <all>", ["ours", "theirs"], figures));
  const widths = [...text.matchAll(/<rect x="([\d.]+)"[^>]* width="([\d.]+)"[^>]*part-/g)].map(([, x, width]) => [
    x,
    width,
  ]);
  expect(widths).toEqual([
    ["0", "110"],
    ["110", "110"],
    ["0", "330"],
    ["330", "110"],
  ]);
  expect(text).toContain(">2 us<");
  expect(text).toContain(">4 us<");
  expect(text).toContain("CPU &#60;all&#62;");
  expect(text).toContain('<span class="key part part-1"></span>Redis');
});

test("percentiles are a line for each side, which never falls", () => {
  const plot = percentiles("Latency", "ms", { ours: countsOf([1, 2, 3, 400]), nobody: [] });
  expect(plot.lines[0]?.points.map(({ y }) => y)).toEqual([2, 400, 400, 400, 400]);
  expect(plot.lines[1]?.points).toEqual([]);
  const { text } = drawPlot(plot);
  expect(text).toContain('<span class="key series-0"></span>ours');
  expect(text).not.toContain("NaN");
});

test("a time line counts what happened in each span of time, those without anything among them", () => {
  const [line] = timeLine("Arrivals", 500, "clients", { ours: [0, 499, 1_700] }).lines;
  expect(line?.points).toEqual([
    { x: 0, y: 2 },
    { x: 0.5, y: 0 },
    { x: 1, y: 0 },
    { x: 1.5, y: 1 },
  ]);
});
