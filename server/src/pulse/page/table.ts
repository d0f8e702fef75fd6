import { type Field, type Figure, format, together } from "./figures.ts";
import { type Instance, type View, valuesOf } from "./history.ts";

/** A column: what is drawn, and what has no plot of its own. */
const columns: readonly { readonly field: Field; readonly title: string; readonly rule: Figure["together"] }[] = [
  { field: "connections", title: "Connections", rule: "sum" },
  { field: "rooms", title: "Rooms", rule: "sum" },
  { field: "members", title: "Members", rule: "sum" },
  { field: "publishedPerSecond", title: "Published /s", rule: "sum" },
  { field: "deliveredPerSecond", title: "Delivered /s", rule: "sum" },
  { field: "appendP50Ms", title: "Publish to append, median ms", rule: "worst" },
  { field: "appendP99Ms", title: "Publish to append, p99 ms", rule: "worst" },
  { field: "deliverP50Ms", title: "Append to delivery, median ms", rule: "worst" },
  { field: "deliverP99Ms", title: "Append to delivery, p99 ms", rule: "worst" },
  { field: "moves", title: "Moves", rule: "sum" },
  { field: "cuts", title: "Cuts", rule: "sum" },
  { field: "resumes", title: "Resumes", rule: "sum" },
  { field: "gaps", title: "Gaps", rule: "sum" },
  { field: "refusals", title: "Refusals", rule: "sum" },
  { field: "redisP99Ms", title: "Redis, p99 ms", rule: "worst" },
  { field: "eventLoopMs", title: "Event loop, longest ms", rule: "worst" },
];

/** The values of a second, for reading. */
export class Table {
  readonly #body = document.createElement("tbody");

  constructor(table: HTMLTableElement) {
    const head = document.createElement("thead");
    const row = document.createElement("tr");
    row.append(...["Instance", ...columns.map(({ title }) => title)].map((title) => cell("th", title, "col")));
    head.append(row);
    table.append(head, this.#body);
    // On a narrow screen it is scrolled, by the keyboard as well.
    if (table.parentElement !== null) table.parentElement.tabIndex = 0;
  }

  /** Rooms are counted on each instance; one that has members on two is counted twice. */
  draw({ instances, seconds }: View, second = seconds.at(-1)): void {
    if (second === undefined) return;
    const valueIn = (instance: Instance, field: Field) => valuesOf(instance, field, [second])[0];
    const rows = instances.map((instance) =>
      rowOf(
        instance.name,
        columns.map(({ field }) => {
          const isAway = field === "redisP99Ms" && instance.at(second)?.isRedisUp === false;
          return isAway ? "away" : format(valueIn(instance, field));
        }),
      ),
    );
    const all = rowOf(
      "together",
      columns.map(({ field, rule }) => {
        const values = instances.map((instance) => valueIn(instance, field));
        return format(together(values, rule));
      }),
    );
    this.#body.replaceChildren(all, ...rows);
  }
}

function rowOf(name: string, values: readonly string[]): HTMLTableRowElement {
  const row = document.createElement("tr");
  row.append(cell("th", name, "row"), ...values.map((value) => cell("td", value)));
  return row;
}

function cell(tag: "th" | "td", text: string, scope?: "row" | "col"): HTMLTableCellElement {
  const element = document.createElement(tag);
  element.textContent = text;
  if (scope !== undefined) element.scope = scope;
  return element;
}
