import type { Problem, ProblemKind, Publish } from "./history.ts";
import type { LogNode, LogTree } from "./log-tree.ts";

/**
 * Holds the publishes of one room against all that its log ever held: each acknowledged one was stored where it was
 * acknowledged, none is stored twice in one log, and those of one client stand in the order of the calls.
 *
 * Where the end of a log is lost, the memory of its message ids is lost with it. So a publish that was stored, but not
 * acknowledged by then, is rightly stored again.
 */
export function judgePublishing(tree: LogTree, publishes: readonly Publish[]): Problem[] {
  const problems: Problem[] = [];
  const complain = (kind: ProblemKind, detail: string) => problems.push({ kind, detail });
  const stored = storedTimes(tree);

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
      const isRepeat = tree.leadsTo(earlier, time) || wasKnownStored(publish, earlier.lostAtMs);
      if (isRepeat) complain("stored-twice", `${text} was stored at ${earlier.position} and at ${time.position}`);
    });
  }
  const published = new Set(publishes.map(({ text }) => text));
  for (const text of stored.keys()) {
    if (!published.has(text)) complain("not-published", `${text} is in the log and was not published`);
  }
  return [...problems, ...judgeOrder(tree, publishes)];
}

function storedTimes({ nodes }: LogTree): Map<string, LogNode[]> {
  const stored = new Map<string, LogNode[]>();
  for (const node of nodes) {
    if (node.text !== undefined) stored.set(node.text, [...(stored.get(node.text) ?? []), node]);
  }
  return stored;
}

/** Whether its publisher knew that it is stored before it was lost, and so had no reason to send it again. */
function wasKnownStored({ outcome }: Publish, lostAtMs: number | undefined): boolean {
  return outcome.kind === "acknowledged" && lostAtMs !== undefined && outcome.atMs < lostAtMs;
}

/** In each log, and in the order of the first times over all logs, a client's messages stand in the order of its calls. */
function judgeOrder({ logs, nodes }: LogTree, publishes: readonly Publish[]): Problem[] {
  const calls = new Map(publishes.map(({ client, text }, order) => [text, { client, order }]));
  const found = new Set<string>();
  const judge = (texts: Iterable<string | undefined>) => {
    const newest = new Map<string, { text: string; order: number }>();
    for (const text of texts) {
      const call = text === undefined ? undefined : calls.get(text);
      if (text === undefined || call === undefined) continue;
      const before = newest.get(call.client);
      if (before === undefined || call.order > before.order) newest.set(call.client, { text, order: call.order });
      else if (before.text !== text) found.add(`${text} is stored behind ${before.text}`);
    }
  };
  for (const log of logs) judge(log.map(({ text }) => text));
  // A Set keeps each text where it came first.
  judge(new Set(nodes.map(({ text }) => text)));
  return [...found].map((detail) => ({ kind: "stored-out-of-order", detail }));
}
