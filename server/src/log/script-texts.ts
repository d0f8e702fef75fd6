import type { Message, Page, Position } from "@holdfast/client/protocol";
import type { Outcome } from "./group-commit.ts";
import type { Evidence } from "./known-positions.ts";
import { messageOf } from "./message-json.ts";

// What the log's scripts take and answer, as texts.

/** As parseEvidence in chain.lua takes it. */
export function textOf({ position, toldAt }: Evidence): string {
  return toldAt === undefined ? position : `${position}/${toldAt}`;
}

export function positionsIn(text: string): readonly Position[] {
  return text === "" ? [] : (text.split(" ") as Position[]);
}

export function parseOutcome(answer: string): Outcome {
  if (answer === "!") return "out-of-order";
  return { position: answer.slice(1) as Position, duplicate: answer.startsWith("=") };
}

export function parsePage(answer: unknown): Page {
  const [position, recovered, complete, lost, ...entries] = answer as readonly (string | number)[];
  const messages: Message[] = [];
  for (let index = 0; index < entries.length; index += 2) {
    messages.push(messageOf(entries[index] as Position, String(entries[index + 1])));
  }
  const [after, before, ...positions] = positionsIn(String(lost));
  return {
    position: position as Position,
    recovered: recovered === 1,
    messages,
    complete: complete === 1,
    ...(after === undefined || before === undefined ? {} : { lost: { after, before, positions } }),
  };
}
