import { expect, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { type MetricName, metrics } from "../../../server/src/telemetry/metrics.ts";
import { examplesUnder, read } from "../../support/markdown.ts";
import { readQuery } from "../../support/promql.ts";

const target = z.object({ expr: z.string(), legendFormat: z.string() });
const panel = z.object({ id: z.int(), title: z.string(), targets: z.array(target).optional() });
const dashboard = z
  .object({
    panels: z.array(panel),
    templating: z.object({ list: z.array(z.object({ definition: z.string().optional() })) }),
  })
  .parse(JSON.parse(read("docs/grafana/holdfast.json")));
const shown = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map((each) => ({ title, ...each })));

const [rules = ""] = examplesUnder(read("server/README.md"), "### Alerts", "yaml");
const alerts = z
  .object({ groups: z.array(z.object({ rules: z.array(z.object({ alert: z.string(), expr: z.string() })) })) })
  .parse(parse(rules))
  .groups.flatMap((group) => group.rules);

/** Labels that Prometheus gives by itself. */
const ownLabels = ["instance", "job"];
const isMetric = (name: string): name is MetricName => Object.hasOwn(metrics, name);

/** Grafana puts these in before Prometheus sees them. */
const filledIn = (expression: string) => expression.replaceAll("$__rate_interval", "5m");

/** The metric of a series: a histogram has several. Throws where it is none of ours. */
function metricOf(series: string): MetricName {
  const name = series.replace(/^holdfast_/, "");
  if (isMetric(name) && metrics[name].type !== "histogram") return name;
  const base = name.replace(/_(bucket|sum|count)$/, "");
  if (isMetric(base) && base !== name && metrics[base].type === "histogram") return base;
  throw new Error(`expected a series of a metric of the table, got ${series}`);
}

/** Holds a query against the table, and gives back the metrics that it names. */
function check(expression: string, legend = ""): MetricName[] {
  const { selectors, groups } = readQuery(filledIn(expression));
  expect(selectors.length).toBeGreaterThan(0);
  const used = selectors.map(({ metric }) => metricOf(metric));
  selectors.forEach(({ metric, matchers }, index) => {
    const name = used[index];
    if (name === undefined) throw new Error(`expected a metric for ${metric}`);
    const labels: Readonly<Record<string, readonly string[]>> = metrics[name].labels;
    for (const { label, operator, value } of matchers) {
      if (ownLabels.includes(label)) continue;
      expect(Object.keys(labels), `labels of ${metric}`).toContain(label);
      const values = operator.includes("~") ? value.split("|") : [value];
      expect(labels[label], `values of ${label} of ${metric}`).toEqual(expect.arrayContaining(values));
    }
    const grouped = [...ownLabels, ...Object.keys(labels), ...(metric.endsWith("_bucket") ? ["le"] : [])];
    expect(grouped, `labels of ${metric}`).toEqual(expect.arrayContaining([...groups]));
  });
  const inLegend = [...legend.matchAll(/{{(\w+)}}/g)].map(([, label]) => label);
  const known = new Set([...groups, ...(groups.length === 0 ? ownLabels : [])]);
  expect(
    inLegend.filter((label) => !known.has(label ?? "")),
    `labels in "${legend}"`,
  ).toEqual([]);
  return used;
}

test.each(shown)("the dashboard's $title asks for what there is: $expr", ({ expr, legendFormat }) => {
  check(expr, legendFormat);
});

test("the dashboard shows every metric, and offers the instances that there are", () => {
  const used = new Set(shown.flatMap(({ expr }) => check(expr)));
  expect(Object.keys(metrics).filter((name) => isMetric(name) && !used.has(name))).toEqual([]);
  const offered = dashboard.templating.list.flatMap(({ definition }) => definition ?? []);
  expect(offered).toEqual(["label_values(holdfast_connections, instance)"]);
});

test("each panel of the dashboard has a number of its own", () => {
  const ids = dashboard.panels.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

test.each(alerts)("the alert $alert asks for what there is", ({ expr }) => {
  check(expr);
});

test("there are five alerts", () => {
  expect(alerts).toHaveLength(5);
});

test.each([
  ["a metric that is not in the table", "sum(holdfast_conections)"],
  ["a histogram without what it consists of", "rate(holdfast_redis_command_seconds[5m])"],
  ["a label that the metric has not", 'holdfast_gaps_total{room="lobby"}'],
  ["a value that the label has not", 'holdfast_moves_total{outcome="lost"}'],
  ["a group that the metric has not", "sum by (reason) (holdfast_gaps_total)"],
  ["what is no PromQL", "sum(rate(holdfast_gaps_total[5m])"],
])("a query with %s is found", (_what, expression) => {
  expect(() => check(expression)).toThrow();
});
