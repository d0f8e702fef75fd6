import { describe, expect, test } from "vitest";
import type { Position } from "../../../client/src/protocol/index.ts";
import { createSequencer } from "../../../client/src/sequencer.ts";
import { listen, messages, page } from "../../support/told-by-sequencer.ts";

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
