import { comparePositions } from "../../../client/src/protocol/position.ts";
import type { MemberEvent } from "./history.ts";
import type { LogNode, Loss } from "./log-tree.ts";

type Gap = Extract<MemberEvent, { kind: "gap" }>;

/**
 * The losses of which one client was told, each with the messages that its gaps have not named. A log that was lost may
 * begin again below an epoch of the lost one that this client never saw. A gap to the new log then ends before that epoch,
 * and another one has to name it. One that leads back to lower positions names all that came after its beginning.
 */
export class NamedLosses {
  readonly #unnamed = new Map<Loss, readonly LogNode[]>();

  has(loss: Loss): boolean {
    return this.#unnamed.has(loss);
  }

  /** What lies between the positions of a gap, and was not named by earlier ones. Before any, `missed` is to be named. */
  news({ after, position }: Gap, loss: Loss, missed: readonly LogNode[]): LogNode[] {
    return (this.#unnamed.get(loss) ?? missed).filter(
      (node) => comparePositions(node.position, after) > 0 && comparePositions(node.position, position) < 0,
    );
  }

  /** A gap has told of a loss, of which the client has not had the messages in `missed`. */
  add(loss: Loss, { after, position }: Gap, missed: readonly LogNode[]): void {
    const left = this.#unnamed.get(loss) ?? missed;
    const leadsBack = comparePositions(position, after) <= 0;
    const isBeyond = (node: LogNode) => !leadsBack && comparePositions(node.position, position) > 0;
    this.#unnamed.set(loss, left.filter(isBeyond));
  }
}

/** The last entry of a log up to `end` that stands before a position. */
export function lastBefore({ position }: LogNode, end: LogNode): LogNode | undefined {
  let at: LogNode | undefined = end;
  while (at !== undefined && comparePositions(at.position, position) >= 0) at = at.parent;
  return at;
}
