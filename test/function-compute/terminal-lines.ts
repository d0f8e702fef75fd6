import type { CutReason, EmulatorEvents } from "./events.ts";

type Opened = EmulatorEvents["connection:opened"][0];
type Closed = EmulatorEvents["connection:closed"][0];
type Cut = EmulatorEvents["connection:cut"][0];

const cutBecause: Readonly<Record<CutReason, string>> = {
  timeout: "its time was over",
  idle: "nobody said anything on it",
  frame: "a frame was too large",
  instance: "its instance dropped it, or is gone",
};

/** A connection that was opened so long before another one was closed may be what its client moved to. */
const moveMs = 10_000;

/**
 * Tells the ends of connections, a line each. What moves and what leaves looks the same on a connection: a client that
 * closes one shortly after another one was opened is taken for one that moved there.
 */
export class ConnectionLines {
  /** Opened, and not yet taken for the other end of a move. */
  #opened: (Opened & { readonly atMs: number })[] = [];

  opened(facts: Opened, nowMs: number): void {
    this.#opened = this.#opened.filter(({ atMs }) => nowMs - atMs <= moveMs);
    this.#opened.push({ ...facts, atMs: nowMs });
  }

  closed({ connectionId, instanceId, by, clean, leftMs }: Closed, nowMs: number): string {
    const own = this.#opened.findIndex((one) => one.connectionId === connectionId);
    const next = this.#opened.findIndex(({ atMs }, index) => index > own && nowMs - atMs <= moveMs);
    const left = Number.isFinite(leftMs) ? `, ${(leftMs / 1000).toFixed(1)} s before its time was over` : "";
    if (by === "client" && clean && next !== -1) {
      const [to] = this.#opened.splice(next, 1);
      return `move: ${instanceId} -> ${to?.instanceId}${left}`;
    }
    if (by === "instance") return `closed: by ${instanceId}${left}`;
    return `left: a client of ${instanceId}${clean ? "" : ", without a close frame"}${left}`;
  }

  cut({ instanceId, reason }: Cut): string {
    return `cut: a connection to ${instanceId}, because ${cutBecause[reason]}`;
  }
}

/** pino's number for a warning. */
const warning = 40;
/** What an instance says when it is thawed: here that is nothing to warn of. */
const thawed = "this process slept";

/** What an instance prints, for a terminal: its warnings and errors in words, and what is no log line as it is. */
export function instanceLine(instanceId: string, line: string): string | undefined {
  const logged = parsed(line);
  if (logged === undefined) return line.trim() === "" ? undefined : `${instanceId} ${line}`;
  const { level, time: _time, instance: _instance, msg, ...fields } = logged;
  if (typeof level !== "number" || level < warning || String(msg).startsWith(thawed)) return undefined;
  const details = Object.entries(fields).map(
    ([name, value]) => `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  return `${instanceId} warns: ${msg}${details.length === 0 ? "" : ` (${details.join(", ")})`}`;
}

function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
