import { describe, expect, test } from "vitest";
import { listen, messages, page } from "../../support/told-by-sequencer.ts";

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
