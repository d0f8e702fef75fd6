import { elapsedMs, momentNow } from "../clock/elapsed.ts";
import { isStillShown } from "./grace.ts";
import type { HolderOf } from "./holder.ts";
import type { MemberConnections } from "./member-connections.ts";
import type { RoomPresence } from "./room-presence.ts";

export interface RegistrationOptions {
  readonly connections: Pick<MemberConnections, "isOpen">;
  readonly rooms: () => Iterable<Pick<RoomPresence, "moveTo">>;
  /** Asks every connection for a sign of life. */
  readonly pingAll: () => void;
  /** Cuts a connection whose client has not given one: a client that lives comes back and joins again. */
  readonly cut: (connection: string) => void;
}

/** After a sleep of the instance: the time in which a connection must answer a ping to count as alive. */
const signOfLifeMs = 2_000;
/** How long a join waits for the registration at most. */
const longestWaitMs = 2 * signOfLifeMs;

/** Registers the members of this instance anew when it has taken another name. */
export class Registration {
  readonly #options: RegistrationOptions;
  #underWay: Promise<void> | undefined;

  constructor(options: RegistrationOptions) {
    this.#options = options;
  }

  /**
   * Moves all members to the present name.
   *
   * @param hasLapsed - the lease of the earlier name was over, as after a sleep of this instance: then only those are
   * registered who are heard now
   */
  begin(earlier: string, hasLapsed: boolean): void {
    const registering = this.#register(earlier, hasLapsed).finally(() => {
      if (this.#underWay === registering) this.#underWay = undefined;
    });
    this.#underWay = registering;
  }

  /** Resolves when the members of this instance are registered, or after a moment. */
  async done(): Promise<void> {
    if (this.#underWay === undefined) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, longestWaitMs);
    });
    await Promise.race([this.#underWay, late]);
    clearTimeout(timer);
  }

  async #register(earlier: string, hasLapsed: boolean): Promise<void> {
    const { rooms, pingAll } = this.#options;
    const wokeAtMs = momentNow().monotonicMs;
    if (hasLapsed) {
      // After a sleep, sockets whose clients have gone still look open.
      pingAll();
      await new Promise((resolve) => setTimeout(resolve, signOfLifeMs).unref());
    }
    const isThere = (holder: HolderOf) => !hasLapsed || this.#isThere(holder, wokeAtMs);
    await Promise.all([...rooms()].map((room) => room.moveTo(earlier, isThere)));
  }

  #isThere({ connection, heardAt }: HolderOf, wokeAtMs: number): boolean {
    const { connections, cut } = this.#options;
    if (!connections.isOpen(connection)) return isStillShown(elapsedMs(heardAt()));
    const isHeard = heardAt().monotonicMs >= wokeAtMs;
    if (!isHeard) cut(connection);
    return isHeard;
  }
}
