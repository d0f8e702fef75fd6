import type { Generation, Problem, ProblemKind, Publish } from "./history.ts";

/**
 * Holds the publishes of one room against its logs: each acknowledged one is stored where it was acknowledged, none is
 * stored twice in one log, and those of one client stand in the order of the calls.
 *
 * A log that is lost takes its memory of message ids with it. So a publish that was stored, but not acknowledged by
 * then, is rightly stored again.
 */
export function judgePublishing(generations: readonly Generation[], publishes: readonly Publish[]): Problem[] {
  const problems: Problem[] = [];
  const complain = (kind: ProblemKind, detail: string) => problems.push({ kind, detail });
  const stored = storedTimes(generations);

  for (const publish of publishes) {
    const { text, outcome } = publish;
    const times = stored.get(text) ?? [];
    if (outcome.kind === "acknowledged" && !times.some(({ position }) => position === outcome.position)) {
      complain("not-stored", `${text} was acknowledged at ${outcome.position}, where no log held it`);
    }
    if (outcome.kind === "pending") complain("unsettled", `${text} was neither acknowledged nor rejected`);
    if (outcome.kind === "rejected") complain("unsettled", `${text} was rejected with ${outcome.code}`);
    times.forEach((time, index) => {
      const earlier = times[index - 1];
      if (earlier === undefined) return;
      const isRepeat = earlier.generation === time.generation || wasKnownStored(publish, earlier.lostAtMs);
      if (isRepeat) complain("stored-twice", `${text} was stored at ${earlier.position} and at ${time.position}`);
    });
  }
  const published = new Set(publishes.map(({ text }) => text));
  for (const text of stored.keys()) {
    if (!published.has(text)) complain("not-published", `${text} is in the log and was not published`);
  }
  return [...problems, ...judgeOrder(generations, publishes)];
}

interface Stored {
  readonly generation: number;
  readonly position: string;
  readonly lostAtMs: number | undefined;
}

function storedTimes(generations: readonly Generation[]): Map<string, Stored[]> {
  const stored = new Map<string, Stored[]>();
  generations.forEach(({ entries, lostAtMs }, generation) => {
    for (const { text, position } of entries) {
      stored.set(text, [...(stored.get(text) ?? []), { generation, position, lostAtMs }]);
    }
  });
  return stored;
}

/** Whether its publisher knew that it is stored before that log was lost, and so had no reason to send it again. */
function wasKnownStored({ outcome }: Publish, lostAtMs: number | undefined): boolean {
  return outcome.kind === "acknowledged" && lostAtMs !== undefined && outcome.atMs < lostAtMs;
}

/** In each log, and in the order of the first times over all logs, a client's messages stand in the order of its calls. */
function judgeOrder(generations: readonly Generation[], publishes: readonly Publish[]): Problem[] {
  const calls = new Map(publishes.map(({ client, text }, order) => [text, { client, order }]));
  const problems: Problem[] = [];
  const judge = (texts: readonly string[]) => {
    const newest = new Map<string, { text: string; order: number }>();
    for (const text of texts) {
      const call = calls.get(text);
      if (call === undefined) continue;
      const before = newest.get(call.client);
      if (before === undefined || call.order > before.order) newest.set(call.client, { text, order: call.order });
      else if (before.text !== text) {
        problems.push({ kind: "stored-out-of-order", detail: `${text} is stored behind ${before.text}` });
      }
    }
  };
  for (const { entries } of generations) judge(entries.map(({ text }) => text));
  // A Set keeps each text where it came first. One log alone has been looked at already.
  if (generations.length > 1)
    judge([...new Set(generations.flatMap(({ entries }) => entries.map(({ text }) => text)))]);
  return problems;
}
