import { describe, expect, test } from "vitest";
import type { Message, Page, Position } from "../../../client/src/protocol/index.ts";
import { listen, messages, page } from "../../support/told-by-sequencer.ts";

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

  test("is not told again where the log was read before the loss was reported, and had gone back in its epoch", () => {
    const { sequencer, told } = listen("5-4");
    sequencer.acknowledged("own", "5-6", false);
    sequencer.answer(sequencer.ask(), page("5-2", [], { recovered: false }));
    sequencer.hear({ position: "6-0" });
    const rest: Page["lost"] = { after: "5-2", before: "6-0", positions: ["5-7"] };
    sequencer.answer(sequencer.ask(), page("6-1", ["6-1"], { recovered: false, lost: rest }));
    expect(told).toEqual(["5-4>5-2", "6-1 replayed"]);
  });

  test("is told where the log had gone back in its epoch, and goes on in it after all", () => {
    const { sequencer, told, hear } = listen("5-4");
    sequencer.answer(sequencer.ask(), page("5-2", [], { recovered: false }));
    hear("5-2", "5-3");
    sequencer.hear({ position: "6-0" });
    const rest: Page["lost"] = { after: "5-2", before: "6-0", positions: ["5-7"] };
    sequencer.answer(sequencer.ask(), page("6-0", [], { recovered: false, lost: rest }));
    expect(told).toEqual(["5-4>5-2", "5-3", "5-3>6-0"]);
  });

  test("is not told again where the whole log was lost after its gap, and the report of it with the log", () => {
    const { sequencer, told, hear } = listen("5-3");
    sequencer.answer(sequencer.ask(), page("6-1", ["6-1"], { recovered: false }));
    sequencer.hear({ position: "0-0" });
    sequencer.answer(sequencer.ask(), page("0-0", [], { recovered: false }));
    sequencer.hear({ position: "7-0" });
    const again: Page["lost"] = { after: "0-0", before: "7-0", positions: ["5-3", "6-2"] };
    sequencer.answer(sequencer.ask(), page("7-0", [], { recovered: false, lost: again }));
    hear("7-0", "7-1");
    expect(told).toEqual(["5-3>6-1", "6-1 replayed", "6-1>0-0", "7-1"]);
  });

  test("is told where delivery went back to an epoch behind a gap, and that epoch was lost again", () => {
    const { sequencer, told } = listen("5-3");
    sequencer.answer(sequencer.ask(), page("6-1", ["6-1"], { recovered: false }));
    // The other one of two masters, for a while.
    sequencer.hear({ position: "5-8" });
    sequencer.answer(sequencer.ask(), page("5-8", [], { recovered: false }));
    sequencer.hear({ previous: "5-8", messages: messages("5-9") });
    sequencer.hear({ position: "6-2" });
    const rest: Page["lost"] = { after: "5-3", before: "6-0", positions: ["5-9"] };
    sequencer.answer(sequencer.ask(), page("6-2", ["6-2"], { recovered: false, lost: rest }));
    expect(told).toEqual(["5-3>6-1", "6-1 replayed", "6-1>5-8", "5-9", "5-9>6-2", "6-2 replayed"]);
  });

  test("is told where it lies inside a gap of a log that was lost since, and that began again below it", () => {
    const { sequencer, told, hear } = listen("5-3");
    sequencer.answer(sequencer.ask(), page("9-1", ["9-1"], { recovered: false }));
    sequencer.hear({ position: "0-0" });
    sequencer.answer(sequencer.ask(), page("0-0", [], { recovered: false }));
    hear("0-0", "7-0");
    sequencer.hear({ position: "8-0" });
    const branch: Page["lost"] = { after: "7-0", before: "8-0", positions: ["7-2"] };
    sequencer.answer(sequencer.ask(), page("8-0", [], { recovered: false, lost: branch }));
    expect(told).toEqual(["5-3>9-1", "9-1 replayed", "9-1>0-0", "7-0", "7-0>8-0"]);
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
