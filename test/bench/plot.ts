// What a report shows as a picture: data alone, which travels as JSON beside the figures. `page/` draws it.

/** Bars side by side, each of which may consist of parts. */
export interface Bars {
  readonly kind: "bars";
  readonly title: string;
  readonly unit: string;
  /** What the parts of each bar are, from the bottom up. */
  readonly parts: readonly string[];
  readonly bars: readonly { readonly name: string; readonly values: readonly number[] }[];
}

export interface Axis {
  readonly name: string;
  /** How values are laid out; where there are names, a value is the number of its name. Default: linear, from 0. */
  readonly scale?: "log";
  readonly names?: readonly string[];
}

/** Lines over one axis. */
export interface Lines {
  readonly kind: "lines";
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly { readonly name: string; readonly points: readonly Point[] }[];
}

export interface Point {
  readonly x: number;
  readonly y: number;
  /** Written beside it. */
  readonly label?: string;
}

export type Plot = Bars | Lines;
