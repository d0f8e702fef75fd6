import type { Kind } from "./deployment.ts";

/** One of those that are measured side by side, under the same load and in the same run. */
export interface Contestant {
  readonly kind: Kind;
  /** The head of its column. */
  readonly name: string;
}

export const holdfast: Contestant = { kind: "holdfast", name: "Holdfast" };
/** What the others are held against: plain Socket.IO on the adapter that its documentation names first. */
export const plain: Contestant = { kind: "dynamic", name: "Socket.IO, sharded" };
export const withRecovery: Contestant = { kind: "streams", name: "Socket.IO, streams" };

const others = {
  sharded: plain,
  classic: { kind: "classic", name: "Socket.IO, classic" },
  streams: withRecovery,
  recipe: { kind: "recipe", name: "ws and Redis by hand" },
} as const satisfies Record<string, Contestant>;

type Choice = keyof typeof others;

/** The options by which a run leaves contestants out. Holdfast is always there. */
export const choices: Readonly<Record<Choice, { readonly default: number; readonly meaning: string }>> = {
  sharded: {
    default: 1,
    meaning: "0 leaves out plain Socket.IO on the sharded adapter, which ratios are held against",
  },
  classic: { default: 1, meaning: "0 leaves out plain Socket.IO on the classic adapter" },
  streams: { default: 1, meaning: "0 leaves out plain Socket.IO on the streams adapter, with its state recovery" },
  recipe: { default: 1, meaning: "0 leaves out a server written by hand with ws and Redis" },
};

/** Holdfast, and of the others those whose option is not 0. */
export function chosen(values: Readonly<Partial<Record<Choice, number>>>): readonly Contestant[] {
  const names = Object.keys(others) as Choice[];
  return [holdfast, ...names.filter((name) => (values[name] ?? 0) > 0).map((name) => others[name])];
}

/** The column that ratios are held against; undefined where plain Socket.IO is left out. */
export function baseline(contestants: readonly Contestant[]): { readonly against?: number } {
  const against = contestants.indexOf(plain);
  return against === -1 ? {} : { against };
}
