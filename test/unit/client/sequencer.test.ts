import { describe, expect, test } from "vitest";
import type { Message, Page, Position } from "../../../client/src/protocol/index.ts";
import { judge } from "../../../client/src/protocol/position.ts";
import { createSequencer, type Delivery, type SequencerOptions } from "../../../client/src/sequencer.ts";

test.each<[last: Position, previous: Position | undefined, positions: Position[], had: number | undefined]>([
  ["5-3", "5-3", ["5-4", "5-5"], 0],
  ["5-3", "5-1", ["5-2", "5-3", "5-4"], 2],
  ["5-3", "5-1", ["5-2", "5-3"], 2],
  ["5-3", "5-0", ["5-1", "5-2"], 2],
  ["5-3", "5-4", ["5-5"], undefined],
  ["5-3", "5-3", ["6-0"], 0],
  ["5-3", "5-2", ["6-0"], undefined],
  ["5-3", "5-4", ["6-0"], undefined],
  ["6-0", "5-2", ["5-3"], undefined],
  ["0-0", "0-0", ["5-0"], 0],
  ["0-0", "5-0", ["5-1"], undefined],
  ["9-3", "9-3", ["8-0"], 0],
  ["5-9", undefined, ["5-10"], 0],
  ["5-3", undefined, ["6-0"], undefined],
])("a receiver at %s had of what follows %s, %s, so many: %s", (last, previous, positions, had) => {
  const batch = { ...(previous && { previous }), messages: positions.map((position) => ({ position })) };
  expect(judge(last, batch)).toBe(had);
});

/** A sequencer and everything that it told: positions, and gaps as `after>position`. */
function listen(since?: Position, options: SequencerOptions = {}) {
  const told: string[] = [];
  const sequencer = createSequencer({ since, ...options }, (...[event, payload]) => {
    if (event === "gap") told.push(`${payload.after}>${payload.position}`);
    else if (event === "load") told.push(`load ${payload}`);
    else told.push(describeDelivery(payload));
  });
  /** What the server tells live: the messages of one append. */
  const hear = (previous: Position, ...positions: Position[]) =>
    sequencer.hear({ previous, messages: messages(...positions) });
  return { sequencer, told, hear };
}

const describeDelivery = ({ position, replayed }: Delivery) => (replayed ? `${position} replayed` : position);

function messages(...positions: Position[]): Message[] {
  return positions.map((position) => ({
    position,
    id: `id-${position}`,
    event: "chat:message",
    data: {},
    from: { user: null, session: null },
    sentAtMs: 1_700_000_000_000,
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
    const { sequencer, told, hear } = listen();
    sequencer.answer(sequencer.ask(), page("0-0", []));
    hear("0-0", "5-0");
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
    for (let index = 1; index < log.length; index += 1) sequencer.hear({ messages: messages(log[index] ?? "0-0") });
    sequencer.answer("5-0", page("5-1", ["5-1"]));
    expect(told).toHaveLength(201);
    expect(sequencer.isBehind()).toBe(true);
    sequencer.answer(sequencer.ask(), page("5-3000", log.slice(201)));
    expect(told.map((text) => text.split(" ")[0])).toEqual(log);
  });

  test("that the log does not hold costs one read, and what came after it is dropped", () => {
    const { sequencer, told, hear } = listen("5-1");
    sequencer.answer(sequencer.ask(), page("5-1", []));
    hear("4-7", "4-8");
    expect(sequencer.isBehind()).toBe(true);
    sequencer.answer(sequencer.ask(), page("5-1", []));
    expect(sequencer.isBehind()).toBe(false);
    hear("5-1", "5-2");
    expect(told).toEqual(["5-2"]);
  });
});

describe("a gap", () => {
  test("is told before the oldest retained messages", () => {
    const { sequencer, told } = listen("5-1");
    sequencer.answer(sequencer.ask(), page("5-9", ["5-8", "5-9"], { recovered: false }));
    expect(told).toEqual(["5-1>5-8", "5-8 replayed", "5-9 replayed"]);
  });

  test("names the head when nothing is retained", () => {
    const { sequencer, told, hear } = listen("5-1");
    sequencer.answer(sequencer.ask(), page("0-0", [], { recovered: false }));
    hear("0-0", "6-0");
    expect(told).toEqual(["5-1>0-0", "6-0"]);
  });

  test("is told once when the log has lost its end, and the chain goes on from there", () => {
    const { sequencer, told, hear } = listen("5-9");
    sequencer.answer(sequencer.ask(), page("5-9", []));
    sequencer.hear({ position: "5-7" });
    expect(sequencer.isBehind()).toBe(true);
    sequencer.answer(sequencer.ask(), page("5-7", [], { recovered: false }));
    hear("5-7", "6-0");
    expect(told).toEqual(["5-9>5-7", "6-0"]);
    expect(sequencer.isBehind()).toBe(false);
  });

  test("is told to whoever was away with more than the log kept, though the log has grown past that", () => {
    const { sequencer, told } = listen("5-4");
    sequencer.answer(sequencer.ask(), page("6-5", ["6-0", "6-5"], { recovered: false }));
    expect(told).toEqual(["5-4>6-0", "6-0 replayed", "6-5 replayed"]);
  });

  test("does not come with a new epoch that continues the old one", () => {
    const { sequencer, told, hear } = listen("5-4");
    sequencer.answer(sequencer.ask(), page("5-4", []));
    hear("5-4", "6-0");
    hear("6-0", "6-1");
    expect(told).toEqual(["6-0", "6-1"]);
    expect(sequencer.isBehind()).toBe(false);
  });

  test("does not make the client deaf where the new log lies below the old one", () => {
    const { sequencer, told, hear } = listen("900-4");
    sequencer.answer(sequencer.ask(), page("900-4", []));
    hear("0-0", "100-0");
    expect(sequencer.isBehind()).toBe(true);
    sequencer.answer(sequencer.ask(), page("100-0", [], { recovered: false }));
    hear("100-0", "100-1");
    expect(told).toEqual(["900-4>100-0", "100-1"]);
    expect(sequencer.isBehind()).toBe(false);
  });
});

describe("a break that is found out later", () => {
  const lost: Page["lost"] = { after: "5-1", before: "6-0", positions: ["5-3"] };

  test("is told to whose view began before it, with the interval of the break", () => {
    const { sequencer, told, hear } = listen();
    sequencer.answer(sequencer.ask(), page("5-1", ["5-1"]));
    hear("5-1", "6-0", "6-1");
    sequencer.hear({ position: "7-0" });
    sequencer.answer(sequencer.ask(), page("7-0", [], { recovered: false, lost }));
    expect(told).toEqual(["5-1 replayed", "6-0", "6-1", "5-1>7-0"]);
    expect(sequencer.last()).toBe("7-0");
  });

  test("is told once, though two instances report it", () => {
    const { sequencer, told } = listen("5-1");
    sequencer.answer(sequencer.ask(), page("7-0", [], { recovered: false, lost }));
    sequencer.hear({ position: "8-0" });
    sequencer.answer(sequencer.ask(), page("8-0", [], { recovered: false, lost }));
    expect(told).toEqual(["5-1>7-0"]);
    expect(sequencer.isBehind()).toBe(false);
  });

  test("is not told to who joined behind it", () => {
    const { sequencer, told } = listen();
    sequencer.answer(sequencer.ask(), page("6-1", ["6-0", "6-1"]));
    sequencer.hear({ position: "7-1" });
    sequencer.answer(sequencer.ask(), page("7-1", ["7-1"], { recovered: false, lost }));
    expect(told).toEqual(["6-0 replayed", "6-1 replayed", "7-1 replayed"]);
  });

  test("is told to who joined right behind the message that is lost, with or without history", () => {
    for (const history of [[], ["5-3"]] satisfies Position[][]) {
      const { sequencer, told } = listen();
      sequencer.answer(sequencer.ask(), page("5-3", history));
      sequencer.hear({ position: "6-0" });
      const since: Page["lost"] = { after: "5-1", before: "6-0", positions: ["5-3", "5-3"] };
      sequencer.answer(sequencer.ask(), page("6-0", [], { recovered: false, lost: since }));
      expect(told.at(-1)).toBe("5-3>6-0");
    }
  });

  test("is not told again to who had its gap already", () => {
    const { sequencer, told } = listen("5-3");
    sequencer.answer(sequencer.ask(), page("6-0", ["6-0"], { recovered: false }));
    sequencer.hear({ position: "7-0" });
    sequencer.answer(sequencer.ask(), page("7-0", [], { recovered: false, lost }));
    expect(told).toEqual(["5-3>6-0", "6-0 replayed"]);
  });

  test("is not told again where what was lost was delivered before a gap, though an earlier epoch had it", () => {
    const { sequencer, told, hear } = listen();
    sequencer.answer(sequencer.ask(), page("5-3", ["5-3"]));
    hear("5-3", "6-0", "6-1");
    sequencer.hear({ position: "7-0" });
    sequencer.answer(sequencer.ask(), page("7-0", ["7-0"], { recovered: false }));
    expect(told).toEqual(["5-3 replayed", "6-0", "6-1", "6-1>7-0", "7-0 replayed"]);
    sequencer.hear({ position: "8-0" });
    sequencer.answer(sequencer.ask(), page("8-0", [], { recovered: false, lost }));
    expect(told).toHaveLength(5);
  });

  test("is not told where part of it lies before the join, and the rest in a gap", () => {
    const { sequencer, told } = listen();
    sequencer.answer(sequencer.ask(), page("6-0", ["6-0"]));
    sequencer.hear({ position: "8-0" });
    sequencer.answer(sequencer.ask(), page("8-0", ["8-0"], { recovered: false }));
    sequencer.hear({ position: "9-0" });
    const both: Page["lost"] = { after: "5-1", before: "8-0", positions: ["5-3", "7-1"] };
    sequencer.answer(sequencer.ask(), page("9-0", [], { recovered: false, lost: both }));
    expect(told).toEqual(["6-0 replayed", "6-0>8-0", "8-0 replayed"]);
  });

  test("is told where broadcasts of the lost log came after its gap", () => {
    const { sequencer, told, hear } = listen();
    sequencer.answer(sequencer.ask(), page("0-0", []));
    hear("0-0", "9-0");
    sequencer.hear({ position: "0-0" });
    sequencer.answer(sequencer.ask(), page("0-0", [], { recovered: false }));
    hear("0-0", "9-0");
    hear("9-0", "9-1");
    sequencer.hear({ position: "10-0" });
    const branch: Page["lost"] = { after: "5-0", before: "10-0", positions: ["9-1"] };
    sequencer.answer(sequencer.ask(), page("10-0", [], { recovered: false, lost: branch }));
    expect(told).toEqual(["9-0", "9-0>0-0", "9-1", "9-1>10-0"]);
  });
});

describe("a message that a publisher had to send again", () => {
  const again = (position: Position, id: string): Message[] =>
    messages(position).map((message) => ({ ...message, id }));

  test("is not told twice after a failover has forgotten it", () => {
    const { sequencer, told, hear } = listen("5-1");
    sequencer.answer(sequencer.ask(), page("5-1", []));
    hear("5-1", "5-2");
    sequencer.hear({ position: "5-1" });
    sequencer.answer(sequencer.ask(), page("5-1", [], { recovered: false }));
    sequencer.hear({ previous: "5-1", messages: [...messages("6-0"), ...again("6-1", "id-5-2"), ...messages("6-2")] });
    expect(told).toEqual(["5-2", "5-2>5-1", "6-0", "6-2"]);
    expect(sequencer.last()).toBe("6-2");
  });

  test("is known also behind thousands of others of the new epoch", () => {
    const { sequencer, told, hear } = listen("5-1");
    sequencer.answer(sequencer.ask(), page("5-1", []));
    hear("5-1", "5-2");
    hear("5-2", "6-0");
    for (let seq = 1; seq <= 5000; seq += 1) hear(`6-${seq - 1}`, `6-${seq}`);
    const count = told.length;
    sequencer.hear({ previous: "6-5000", messages: again("6-5001", "id-5-2") });
    expect(told).toHaveLength(count);
    expect(sequencer.last()).toBe("6-5001");
  });
});

describe("an own message that the server has stored", () => {
  test("and that the log has lost before it came is a gap when the log goes on without it", () => {
    const { sequencer, told, hear } = listen("5-1");
    sequencer.answer(sequencer.ask(), page("5-1", []));
    sequencer.acknowledged("mine", "5-2", false);
    hear("5-1", "6-0");
    expect(told).toEqual(["5-1>6-0", "6-0"]);
  });

  test("and that comes is no gap, whatever the order of acknowledgement and delivery", () => {
    const { sequencer, told, hear } = listen("5-1");
    sequencer.answer(sequencer.ask(), page("5-1", []));
    sequencer.acknowledged("id-5-2", "5-2", false);
    hear("5-1", "5-2", "5-3");
    sequencer.acknowledged("id-5-3", "5-3", false);
    hear("5-3", "6-0");
    sequencer.acknowledged("id-6-1", "6-1", false);
    hear("6-0", "6-1");
    hear("6-1", "7-0");
    expect(told).toEqual(["5-2", "5-3", "6-0", "6-1", "7-0"]);
  });

  test("is not lost while older messages are still on their way", () => {
    const { sequencer, told, hear } = listen("5-1");
    sequencer.answer(sequencer.ask(), page("5-1", []));
    sequencer.acknowledged("id-6-0", "6-0", false);
    hear("5-1", "5-2");
    hear("5-2", "6-0");
    expect(told).toEqual(["5-2", "6-0"]);
  });

  test("and that was acknowledged only after the log went on without it is a gap, too", () => {
    const { sequencer, told, hear } = listen("5-1");
    sequencer.answer(sequencer.ask(), page("5-1", []));
    hear("5-1", "6-0");
    sequencer.acknowledged("mine", "5-2", false);
    hear("6-0", "6-1");
    expect(told).toEqual(["6-0", "5-1>6-1", "6-1"]);
  });

  test("before the room was joined is not missed", () => {
    const { sequencer, told, hear } = listen();
    sequencer.acknowledged("mine", "5-2", false);
    sequencer.answer(sequencer.ask(), page("5-3", []));
    hear("5-3", "6-0");
    expect(told).toEqual(["6-0"]);
  });
});

describe("an application that loads its own state", () => {
  test("loads it after the history and before anything that comes later", () => {
    const { sequencer, told, hear } = listen(undefined, { loads: true });
    const asked = sequencer.ask();
    hear("5-1", "5-2");
    sequencer.answer(asked, page("5-2", ["5-1", "5-2"]));
    hear("5-2", "5-3");
    expect(told).toEqual(["5-1 replayed", "5-2 replayed", "load 5-2"]);
    expect(sequencer.isBehind()).toBe(false);
    sequencer.loaded("5-2");
    expect(told.slice(3)).toEqual(["5-3"]);
  });

  test("loads again after a gap, and goes on behind what the state contains", () => {
    const { sequencer, told, hear } = listen("5-1", { loads: true });
    sequencer.answer(sequencer.ask(), page("5-9", ["5-8", "5-9"], { recovered: false }));
    hear("5-9", "5-10");
    expect(told).toEqual(["5-1>5-9", "load 5-9"]);
    sequencer.loaded("5-9");
    expect(told.slice(2)).toEqual(["5-10"]);
  });

  test("reads what came while it loaded and was more than is held", () => {
    const { sequencer, told } = listen(undefined, { loads: true });
    sequencer.answer(sequencer.ask(), page("5-0", []));
    for (let seq = 1; seq <= 1500; seq += 1) sequencer.hear({ messages: messages(`5-${seq}`) });
    expect(sequencer.isBehind()).toBe(false);
    sequencer.loaded("5-0");
    expect(told).toHaveLength(201);
    expect(sequencer.isBehind()).toBe(true);
  });

  test("is told a gap where an own message that was stored during the load is lost", () => {
    const { sequencer, told, hear } = listen(undefined, { loads: true });
    sequencer.answer(sequencer.ask(), page("5-5", []));
    sequencer.acknowledged("mine", "5-6", false);
    sequencer.loaded("5-5");
    hear("5-5", "6-0");
    expect(told.slice(0, 2)).toEqual(["load 5-5", "5-5>6-0"]);
  });

  test("is told no gap for own messages that its state contains", () => {
    const { sequencer, told, hear } = listen("5-1", { loads: true });
    sequencer.answer(sequencer.ask(), page("5-1", []));
    sequencer.acknowledged("mine", "6-1", false);
    sequencer.hear({ position: "6-1" });
    sequencer.answer(sequencer.ask(), page("6-1", [], { recovered: false }));
    sequencer.loaded("6-1");
    hear("6-1", "6-2");
    expect(told).toEqual(["5-1>6-1", "load 6-1", "6-2"]);
  });

  test("a load that was replaced by another one changes nothing when it ends", () => {
    const { sequencer, told, hear } = listen(undefined, { loads: true });
    sequencer.answer(sequencer.ask(), page("5-0", []));
    sequencer.loaded("4-9");
    hear("5-0", "5-1");
    expect(told).toEqual(["load 5-0"]);
  });
});

describe("a handler that ends the room", () => {
  test("is the last one that is called, and the position is that of its message", () => {
    const told: string[] = [];
    const sequencer = createSequencer({ since: "5-0" }, (event, payload) => {
      told.push(event === "message" ? payload.position : event);
      // While its handlers run, a message is not behind the application yet.
      expect(sequencer.last()).toBe(`5-${told.length - 1}`);
      if (told.length === 2) sequencer.close();
    });
    sequencer.answer(sequencer.ask(), page("5-4", ["5-1", "5-2", "5-3", "5-4"]));
    sequencer.hear({ previous: "5-4", messages: messages("5-5") });
    expect(told).toEqual(["5-1", "5-2"]);
    expect(sequencer.last()).toBe("5-2");
    expect(sequencer.isBehind()).toBe(false);
  });
});
