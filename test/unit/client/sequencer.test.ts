import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Message, Page, Position } from "../../../client/src/protocol/index.ts";
import { comparePositions, judge } from "../../../client/src/protocol/position.ts";
import { createSequencer, type Delivery, type Gap } from "../../../client/src/sequencer.ts";
import { ModelLog } from "./model-log.ts";

test.each<[last: Position, next: Position, verdict: ReturnType<typeof judge>]>([
  ["0-0", "5-0", "deliver"],
  ["0-0", "5-1", "hold"],
  ["5-3", "5-4", "deliver"],
  ["5-3", "5-3", "drop"],
  ["5-3", "5-2", "drop"],
  ["5-3", "5-5", "hold"],
  ["5-3", "4-9", "drop"],
  ["5-3", "6-0", "hold"],
  ["5-3", "6-4", "hold"],
  ["5-9", "5-10", "deliver"],
  ["9-3", "10-0", "hold"],
])("after %s, a message at %s: %s", (last, next, verdict) => {
  expect(judge(last, next)).toBe(verdict);
});

/** A sequencer and everything that it told: positions, and gaps as `after>position`. */
function listen(since?: Position) {
  const told: string[] = [];
  const sequencer = createSequencer(since, (event, payload) => {
    told.push(event === "gap" ? `${payload.after}>${payload.position}` : describeDelivery(payload));
  });
  return { sequencer, told };
}

const describeDelivery = ({ position, replayed }: Delivery) => (replayed ? `${position} replayed` : position);

function messages(...positions: Position[]): Message[] {
  return positions.map((position) => ({
    position,
    id: `id-${position}`,
    event: "chat:message",
    data: {},
    from: { user: null, session: null },
    sentAtMs: 0,
  }));
}

function page(position: Position, replayed: Position[], rest: Partial<Page> = {}): Page {
  return { position, messages: messages(...replayed), recovered: true, complete: true, ...rest };
}

describe("a fresh join", () => {
  test("delivers the history, then what came live meanwhile, each once", () => {
    const { sequencer, told } = listen();
    const asked = sequencer.ask();
    sequencer.hear({ messages: messages("5-3") });
    sequencer.hear({ messages: messages("5-4") });
    expect(told).toEqual([]);
    sequencer.answer(asked, page("5-3", ["5-2", "5-3"]));
    expect(told).toEqual(["5-2 replayed", "5-3 replayed", "5-4"]);
    expect(sequencer.isBehind()).toBe(false);
  });

  test("delivers nothing from before the join", () => {
    const { sequencer, told } = listen();
    sequencer.answer(sequencer.ask(), page("5-7", []));
    sequencer.hear({ messages: messages("5-6", "5-7", "5-8") });
    expect(told).toEqual(["5-8"]);
    expect(sequencer.last()).toBe("5-8");
  });

  test("reads on from the last message when the answer does not reach the head", () => {
    const { sequencer, told } = listen();
    sequencer.answer(sequencer.ask(), page("5-9", ["5-2", "5-3"], { complete: false }));
    expect(sequencer.isBehind()).toBe(true);
    const asked = sequencer.ask();
    expect(asked).toBe("5-3");
    sequencer.answer(asked, page("5-4", ["5-4"]));
    expect(told).toEqual(["5-2 replayed", "5-3 replayed", "5-4 replayed"]);
  });

  test("in an empty room goes on with the first message of the first epoch", () => {
    const { sequencer, told } = listen();
    sequencer.answer(sequencer.ask(), page("0-0", []));
    sequencer.hear({ messages: messages("5-0") });
    expect(told).toEqual(["5-0"]);
  });

  test("made through two connections at once starts where the first answer says", () => {
    const { sequencer, told } = listen();
    const first = sequencer.ask();
    const second = sequencer.ask();
    sequencer.answer(first, page("5-3", []));
    sequencer.answer(second, page("5-5", []));
    expect(sequencer.last()).toBe("5-3");
    expect(sequencer.isBehind()).toBe(true);
    sequencer.answer(sequencer.ask(), page("5-5", ["5-4", "5-5"]));
    expect(told).toEqual(["5-4 replayed", "5-5 replayed"]);
  });
});

describe("a hole", () => {
  test("is filled from the log before what came after it", () => {
    const { sequencer, told } = listen("5-1");
    sequencer.answer(sequencer.ask(), page("5-1", []));
    sequencer.hear({ messages: messages("5-4") });
    expect(sequencer.isBehind()).toBe(true);
    sequencer.answer(sequencer.ask(), page("5-4", ["5-2", "5-3", "5-4"]));
    expect(told).toEqual(["5-2 replayed", "5-3 replayed", "5-4 replayed"]);
  });

  test("that closes by itself needs no answer, and a late refusal of that answer is no gap", () => {
    const { sequencer, told } = listen("5-1");
    sequencer.hear({ messages: messages("5-3") });
    const asked = sequencer.ask();
    sequencer.hear({ messages: messages("5-2") });
    expect(told).toEqual(["5-2", "5-3"]);
    sequencer.answer(asked, page("5-9", ["5-8", "5-9"], { recovered: false }));
    expect(told).toEqual(["5-2", "5-3"]);
    expect(sequencer.isBehind()).toBe(true);
  });

  test("is not forgotten when the read is not answered", () => {
    const { sequencer } = listen("5-1");
    sequencer.hear({ messages: messages("5-3") });
    sequencer.ask();
    expect(sequencer.isBehind()).toBe(false);
    sequencer.answer(undefined, undefined);
    expect(sequencer.isBehind()).toBe(true);
  });

  test("at the end shows by the position that the server tells", () => {
    const { sequencer } = listen("5-1");
    sequencer.answer(sequencer.ask(), page("5-1", []));
    sequencer.hear({ position: "5-1" });
    expect(sequencer.isBehind()).toBe(false);
    sequencer.hear({ position: "5-2" });
    expect(sequencer.isBehind()).toBe(true);
  });

  test("behind which more arrives than is held is read from the log", () => {
    const { sequencer, told } = listen("5-0");
    const log = Array.from({ length: 3000 }, (_, index): Position => `5-${index + 1}`);
    sequencer.ask();
    sequencer.hear({ messages: messages(...log.slice(1)) });
    sequencer.answer("5-0", page("5-1", ["5-1"]));
    expect(told).toHaveLength(1001);
    expect(sequencer.isBehind()).toBe(true);
    sequencer.answer(sequencer.ask(), page("5-3000", log.slice(1001)));
    expect(told.map((text) => text.split(" ")[0])).toEqual(log);
  });
});

describe("a gap", () => {
  test("is told before the newest retained messages", () => {
    const { sequencer, told } = listen("5-1");
    sequencer.answer(sequencer.ask(), page("5-9", ["5-8", "5-9"], { recovered: false }));
    expect(told).toEqual(["5-1>5-8", "5-8 replayed", "5-9 replayed"]);
  });

  test("names the head when nothing is retained", () => {
    const { sequencer, told } = listen("5-1");
    sequencer.answer(sequencer.ask(), page("0-0", [], { recovered: false }));
    sequencer.hear({ messages: messages("6-0") });
    expect(told).toEqual(["5-1>0-0", "6-0"]);
  });

  test("is told once when the log has lost its end, and nothing is delivered again", () => {
    const { sequencer, told } = listen("5-9");
    sequencer.answer(sequencer.ask(), page("5-9", []));
    sequencer.hear({ position: "5-7" });
    expect(sequencer.isBehind()).toBe(true);
    sequencer.answer(sequencer.ask(), page("5-7", ["5-6", "5-7"], { recovered: false }));
    sequencer.hear({ messages: messages("5-8") });
    expect(told).toEqual(["5-9>5-7"]);
    sequencer.hear({ messages: messages("6-0") });
    sequencer.answer(sequencer.ask(), page("6-0", ["6-0"]));
    expect(told).toEqual(["5-9>5-7", "6-0 replayed"]);
  });
});

type Move =
  | "append"
  | "live"
  | "lose"
  | "repeat"
  | "swap"
  | "head"
  | "ask"
  | "answer"
  | "drop"
  | "trim"
  | "fail"
  | "flush";

const moves = fc.array(
  fc.record({
    move: fc.constantFrom<Move>(
      ...(["append", "append", "append", "live", "live", "live", "lose", "repeat", "swap", "head"] as const),
      ...(["ask", "ask", "answer", "answer", "drop", "trim", "fail", "flush"] as const),
    ),
    n: fc.nat(5),
  }),
  { maxLength: 120, size: "max" },
);

test("any interleaving of live, read, repeated and lost messages is told in order, once, without a silent hole", () => {
  fc.assert(
    fc.property(moves, fc.boolean(), fc.integer({ min: 1, max: 4 }), (script, resume, pageLimit) => {
      const log = new ModelLog();
      for (let i = 0; i < 3; i++) log.append();
      const start = resume ? log.head : undefined;
      const told: (Delivery | Gap)[] = [];
      const sequencer = createSequencer(start, (...[, payload]) => told.push(payload));
      /** Sent and not yet arrived: live messages, and answers to reads. */
      const wire: Message[] = [];
      const seen: Message[] = [];
      const reads: { asked: Position | undefined; page: Page | undefined }[] = [];
      let losses = 0;

      const read = () => {
        const asked = sequencer.ask();
        reads.push({ asked, page: log.read(asked, pageLimit) });
      };
      const act: Record<Move, (n: number) => void> = {
        append: () => wire.push(log.append()),
        live: (n) => {
          const batch = wire.splice(0, n);
          seen.push(...batch);
          sequencer.hear({ messages: batch });
        },
        lose: () => wire.shift(),
        repeat: (n) => sequencer.hear({ messages: seen.slice(-n) }),
        swap: () => wire.reverse(),
        head: () => sequencer.hear({ position: log.head }),
        // Two reads at a time, as in a handover.
        ask: () => {
          if (reads.length < 2) read();
        },
        answer: (n) => {
          const [answered] = reads.splice(n % 2 === 0 ? 0 : -1, 1);
          if (answered?.page) sequencer.answer(answered.asked, answered.page);
        },
        drop: () => {
          if (reads.shift()) sequencer.answer(undefined, undefined);
        },
        trim: (n) => {
          losses++;
          log.trim(n);
        },
        fail: (n) => {
          losses++;
          log.loseEnd(n);
        },
        flush: () => {
          losses++;
          log.trim(0);
        },
      };
      for (const { move, n } of script) act[move](n);

      // Then the weather clears: what is under way arrives, and reads go on until nothing is missing.
      for (const { asked, page: answer } of reads.splice(0)) if (answer) sequencer.answer(asked, answer);
      let rounds = 0;
      const settle = () => {
        while (sequencer.isBehind() && rounds++ < 200) {
          const asked = sequencer.ask();
          sequencer.answer(asked, log.read(asked, pageLimit));
        }
      };
      settle();
      // The server's periodic checks find what else was lost.
      for (let check = 0; check < 20; check++) {
        sequencer.hear({ position: log.head });
        settle();
      }
      expect(sequencer.isBehind()).toBe(false);
      expect(sequencer.last()).toBe(log.head);

      checkOrder(told, log);
      if (losses === 0) expect(told.filter((item) => "after" in item)).toEqual([]);
    }),
    { numRuns: 2000 },
  );
});

/** Strictly ascending, each as it was appended, and nothing left out between two deliveries unless a gap says so. */
function checkOrder(told: readonly (Delivery | Gap)[], log: ModelLog) {
  const delivered = new Set(told.flatMap((item) => ("after" in item ? [] : item.position)));
  // What a failover took away before anybody could read it leaves no trace in the log.
  const readable = [...log.everAppended.keys()]
    .filter((position) => !log.lost.has(position) || delivered.has(position))
    .sort(comparePositions);
  let previous: Position | undefined;
  let hasGap = true;
  for (const item of told) {
    if ("after" in item) {
      if (previous) expect(comparePositions(item.after, previous)).toBeGreaterThanOrEqual(0);
      hasGap = true;
      continue;
    }
    const { replayed: _, ...message } = item;
    expect(message).toEqual(log.everAppended.get(item.position));
    if (previous) {
      expect(comparePositions(item.position, previous)).toBeGreaterThan(0);
      if (!hasGap) expect(readable.slice(readable.indexOf(previous) + 1, readable.indexOf(item.position))).toEqual([]);
    }
    previous = item.position;
    hasGap = false;
  }
}
