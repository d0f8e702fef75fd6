/** "21:04", as the reader's own language writes it. */
export function timeOf(epochMs: number): string {
  return new Date(epochMs).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

/** "21:04:07", so short that it stands beside something else. */
export function clockTimeOf(epochMs: number): string {
  return new Date(epochMs).toLocaleTimeString([], {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hour12: false,
  });
}

export function dayOf(epochMs: number, nowMs: number): string {
  const day = new Date(epochMs);
  if (day.toDateString() === new Date(nowMs).toDateString()) return "Today";
  return day.toLocaleDateString([], { weekday: "long", day: "numeric", month: "long" });
}

/** "18 ms", "0.4 s", "12 s". */
export function durationOf(ms: number): string {
  if (ms < 100) return `${Math.max(1, Math.round(ms))} ms`;
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : longDurationOf(ms);
}

/** "12 s", "4 min", "2 h". */
export function longDurationOf(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 2 * 3600 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}

/** A text with its addresses apart, so that they can be links. */
export function withLinks(text: string): { readonly text: string; readonly href?: string }[] {
  return text.split(/(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]}'])/g).flatMap((part, index) => {
    if (part === "") return [];
    return index % 2 === 0 ? [{ text: part }] : [{ text: part, href: part }];
  });
}
