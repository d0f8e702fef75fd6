import type { ChannelName, TelemetryEvents } from "./events.ts";
import type { LabelSets, Labels } from "./tally.ts";

// What a row of the table of metrics is, and how each kind of row is written.

export type Unit =
  | "connections"
  | "sessions"
  | "rooms"
  | "members"
  | "messages"
  | "signals"
  | "bytes"
  | "seconds"
  | "times"
  | "1";

interface Row {
  readonly unit: Unit;
  readonly help: string;
  /** Every label, with every value that it may have. */
  readonly labels: LabelSets;
}

/** Read when somebody asks. */
export interface StateRow extends Row {
  readonly type: "gauge" | "counter";
  readonly source: "state";
}

/** Counted as events come. */
export interface CountRow extends Row {
  readonly type: "counter";
  readonly source: ChannelName;
  /** What an event of the source adds; undefined for nothing. */
  readonly count: (event: unknown) => { readonly labels: Labels; readonly by: number } | undefined;
}

/** Observed as events come. */
export interface DistributionRow extends Row {
  readonly type: "histogram";
  readonly source: ChannelName;
  /** The upper bounds of its buckets. */
  readonly bounds: readonly number[];
  readonly observe: (event: unknown, add: (labels: Labels, value: number, times?: number) => void) => void;
}

type LabelsOf<Sets extends LabelSets> = { readonly [Label in keyof Sets]: Sets[Label][number] };

/** A state. */
export function gauge(unit: Unit, help: string, labels: LabelSets = {}) {
  return { type: "gauge", source: "state", unit, help, labels } as const satisfies StateRow;
}

interface CounterParts<Name extends ChannelName, Sets extends LabelSets> {
  readonly unit: Unit;
  readonly help: string;
  readonly labels?: Sets;
  /** The labels that an event counts under; undefined where it does not. Default: none are asked for. */
  readonly count?: (event: TelemetryEvents[Name]) => LabelsOf<Sets> | undefined;
  /** How much it adds. Default: 1. */
  readonly by?: (event: TelemetryEvents[Name]) => number;
}

const noLabels = {};
const once = () => 1;

/** A number that grows with the events of a channel. */
export function counter<Name extends ChannelName, const Sets extends LabelSets = Record<never, never>>(
  source: Name,
  { unit, help, labels, count, by = once }: CounterParts<Name, Sets>,
): CountRow {
  return {
    type: "counter",
    source,
    unit,
    help,
    labels: labels ?? noLabels,
    count(published) {
      const event = published as TelemetryEvents[Name];
      const counted = count === undefined ? noLabels : count(event);
      return counted === undefined ? undefined : { labels: counted, by: by(event) };
    },
  };
}

interface HistogramParts<Name extends ChannelName, Sets extends LabelSets> {
  readonly unit: Unit;
  readonly help: string;
  readonly labels?: Sets;
  readonly bounds: readonly number[];
  readonly observe: (
    event: TelemetryEvents[Name],
    add: (labels: LabelsOf<Sets>, value: number, times?: number) => void,
  ) => void;
}

/** A distribution of what the events of a channel tell. */
export function histogram<Name extends ChannelName, const Sets extends LabelSets = Record<never, never>>(
  source: Name,
  { unit, help, labels, bounds, observe }: HistogramParts<Name, Sets>,
): DistributionRow {
  return {
    type: "histogram",
    source,
    unit,
    help,
    labels: labels ?? noLabels,
    bounds,
    observe: (published, add) => observe(published as TelemetryEvents[Name], add),
  };
}
