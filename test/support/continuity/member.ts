import type { Page, Position } from "../../../client/src/protocol/index.ts";
import { createSequencer, type Gap } from "../../../client/src/sequencer.ts";
import type { Told, Witness } from "./judge.ts";
import type { Broadcast } from "./log-under-test.ts";

/** One client in the room: where its broadcasts come from, what it was told, and its reads that are under way. */
export class Member implements Witness {
  readonly told: Told[] = [];
  readonly reads: { readonly asked: Position | undefined; readonly page: Page }[] = [];
  /** What an instance sent and what has not arrived. */
  readonly wire: Broadcast["payload"][] = [];
  readonly sequencer = createSequencer({}, (...[event, payload]) => {
    if (event === "message") this.told.push({ message: payload });
    if (event === "gap") this.told.push({ gap: payload });
  });
  instance: number | undefined;
  joined: Witness["joined"];
  /** How many messages from before its join it asks for. */
  readonly history: number;

  constructor(instance: number, history: number) {
    this.instance = instance;
    this.history = history;
  }

  get last(): Position | undefined {
    return this.sequencer.last();
  }

  get gaps(): Gap[] {
    return this.told.flatMap((item) => ("gap" in item ? item.gap : []));
  }

  get ids(): string[] {
    return this.told.flatMap((item) => ("message" in item ? item.message.id : []));
  }
}
