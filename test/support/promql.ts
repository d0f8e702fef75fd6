import { parser } from "@prometheus-io/lezer-promql";

/** A selector of a query: the metric that it names, and the labels that it asks for. */
interface Selector {
  readonly metric: string;
  readonly matchers: readonly { readonly label: string; readonly operator: string; readonly value: string }[];
}

/** What a query names. */
export interface Query {
  readonly selectors: readonly Selector[];
  /** The labels that it groups by or joins on. */
  readonly groups: readonly string[];
}

/** Reads a PromQL expression with Prometheus' own grammar. Throws where it is none. */
export function readQuery(expression: string): Query {
  const selectors: Selector[] = [];
  const groups: string[] = [];
  const text = ({ from, to }: { from: number; to: number }) => expression.slice(from, to);
  parser.parse(expression).iterate({
    enter(node) {
      if (node.type.isError) throw new Error(`expected PromQL, found a mistake at ${node.from} of: ${expression}`);
      if (node.name === "VectorSelector") {
        const metric = node.node.getChild("Identifier");
        const matchers = node.node.getChild("LabelMatchers")?.getChildren("UnquotedLabelMatcher") ?? [];
        selectors.push({
          metric: metric === null ? "" : text(metric),
          matchers: matchers.map((matcher) => {
            const [label, operator, value] = ["LabelName", "MatchOp", "StringLiteral"].map((name) => {
              const part = matcher.getChild(name);
              if (part === null) throw new Error(`expected ${name} in ${text(matcher)}`);
              return text(part);
            });
            return { label: label ?? "", operator: operator ?? "", value: (value ?? "").slice(1, -1) };
          }),
        });
      }
      if (node.name === "GroupingLabels") groups.push(...node.node.getChildren("LabelName").map(text));
    },
  });
  return { selectors, groups };
}
