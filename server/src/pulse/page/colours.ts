const dark = matchMedia("(prefers-color-scheme: dark)");

const palettes = {
  light: ["#2a78d6", "#d9730d", "#1a9a6c", "#c2417f", "#6a4bc4", "#a67c00", "#cf3f3e", "#3f7f2e"],
  dark: ["#5aa2f5", "#f08c3e", "#2fbf8a", "#ee77a8", "#a394f5", "#d9ac2c", "#f47a75", "#79bf5f"],
};
/** Where colours are used a second time, lines are dashed; a third time, dotted. */
const dashes = [[], [8, 4], [2, 3]];

const fadedAlpha = "55";

/** Calls back when the colours are others. */
export function onColours(listener: () => void): void {
  dark.addEventListener("change", listener);
}

/** The colour and dash of the instance with this number. */
export function lineOf(slot: number, isGone: boolean): { readonly stroke: string; readonly dash: number[] } {
  const palette = palettes[dark.matches ? "dark" : "light"];
  const colour = palette[slot % palette.length] ?? "#888888";
  const dash = dashes[Math.floor(slot / palette.length) % dashes.length] ?? [];
  return { stroke: isGone ? `${colour}${fadedAlpha}` : colour, dash };
}

/** A colour of the style sheet. */
export function colour(name: "ink" | "soft" | "grid" | "area" | "away"): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
