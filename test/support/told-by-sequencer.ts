import type { Message, Page, Position } from "../../client/src/protocol/index.ts";
import { createSequencer, type Delivery, type SequencerOptions } from "../../client/src/sequencer.ts";

/** A sequencer and everything that it told: positions, and gaps as `after>position`. */
export function listen(since?: Position, options: SequencerOptions = {}) {
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

export function messages(...positions: Position[]): Message[] {
  return positions.map((position) => ({
    position,
    id: `id-${position}`,
    event: "chat:message",
    data: {},
    from: { user: null, session: null },
    sentAtMs: 1_700_000_000_000,
  }));
}

export function page(position: Position, replayed: Position[], rest: Partial<Page> = {}): Page {
  return { position, messages: messages(...replayed), recovered: true, complete: true, ...rest };
}
