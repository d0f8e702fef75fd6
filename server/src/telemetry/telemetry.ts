import type { Page } from "@holdfast/client/protocol";
import { OverLimit, toWireError } from "../errors.ts";
import { channels } from "./channels.ts";
import type {
  CommandFailure,
  ConnectionEnding,
  CutReason,
  Door,
  Link,
  MoveOutcome,
  MoveReason,
  TelemetryEvents,
  UpgradeRefusal,
} from "./events.ts";

/** Who a connection belongs to. */
interface ConnectedClient {
  readonly connection: string;
  readonly user: string | null;
  readonly session: string | null;
}

type Told<Name extends keyof TelemetryEvents> = Omit<TelemetryEvents[Name], "server">;

/**
 * Publishes what happens on one server, on `node:diagnostics_channel`: each server has one, and gives it to the few places
 * that see everything pass. Where nobody listens, a call costs a look at the channel.
 */
export class Telemetry {
  /** What is told of members, as presence tells it. */
  readonly members = {
    joined: (room: string, user: string | null, session: string): void => {
      const channel = channels["holdfast:member:joined"];
      if (channel.isHeard) channel.publish({ server: this.server, room, user, session });
    },
    left: (
      room: string,
      user: string | null,
      session: string,
      reason: Told<"holdfast:member:left">["reason"],
    ): void => {
      const channel = channels["holdfast:member:left"];
      if (channel.isHeard) channel.publish({ server: this.server, room, user, session, reason });
    },
  };
  readonly #serverOf: () => object;

  /** @param serverOf - the server of every event; asked when there is one */
  constructor(serverOf: () => object) {
    this.#serverOf = serverOf;
  }

  get server(): object {
    return this.#serverOf();
  }

  connectionOpened(client: ConnectedClient): void {
    const channel = channels["holdfast:connection:opened"];
    if (channel.isHeard) channel.publish({ server: this.server, ...client });
  }

  connectionClosed(client: ConnectedClient, ending: ConnectionEnding): void {
    const channel = channels["holdfast:connection:closed"];
    if (channel.isHeard) channel.publish({ server: this.server, ...client, ending });
  }

  connectionCut(reason: CutReason): void {
    const channel = channels["holdfast:connection:cut"];
    if (channel.isHeard) channel.publish({ server: this.server, reason });
  }

  connectionExpiring(connection: string, reason: MoveReason): void {
    const channel = channels["holdfast:connection:expiring"];
    if (channel.isHeard) channel.publish({ server: this.server, connection, reason });
  }

  connectionMoved(connection: string, reason: MoveReason, outcome: MoveOutcome): void {
    const channel = channels["holdfast:connection:moved"];
    if (channel.isHeard) channel.publish({ server: this.server, connection, reason, outcome });
  }

  upgradeRefused(reason: UpgradeRefusal): void {
    const channel = channels["holdfast:upgrade:refused"];
    if (channel.isHeard) channel.publish({ server: this.server, reason });
  }

  refused(door: Door, error: unknown): void {
    const channel = channels["holdfast:request:refused"];
    if (!channel.isHeard) return;
    const limit = error instanceof OverLimit ? error.limit : undefined;
    channel.publish({ server: this.server, door, code: toWireError(error).code, limit });
  }

  published(room: string, isDuplicate: boolean): void {
    const channel = channels["holdfast:message:published"];
    if (channel.isHeard) channel.publish({ server: this.server, room, isDuplicate });
  }

  signalled(room: string): void {
    const channel = channels["holdfast:signal:sent"];
    if (channel.isHeard) channel.publish({ server: this.server, room });
  }

  joined(room: string, isResumed: boolean): void {
    const channel = channels["holdfast:room:joined"];
    if (channel.isHeard) channel.publish({ server: this.server, room, isResumed });
  }

  /** A page of a log was read for somebody; `isReplay` where it was asked for from a position on. */
  logRead(room: string, { messages, recovered }: Pick<Page, "messages" | "recovered">, isReplay: boolean): void {
    const channel = channels["holdfast:log:read"];
    if (!channel.isHeard) return;
    channel.publish({ server: this.server, room, messages: messages.length, isReplay, isRecovered: recovered });
  }

  /** True where somebody wants to know how long each message of a batch took. */
  get hearsAppends(): boolean {
    return channels["holdfast:batch:appended"].isHeard;
  }

  appended(room: string, tookMs: readonly number[]): void {
    channels["holdfast:batch:appended"].publish({ server: this.server, room, tookMs });
  }

  get hearsDeliveries(): boolean {
    return channels["holdfast:batch:delivered"].isHeard;
  }

  delivered(what: Told<"holdfast:batch:delivered">): void {
    channels["holdfast:batch:delivered"].publish({ server: this.server, ...what });
  }

  get hearsSignals(): boolean {
    return channels["holdfast:signal:delivered"].isHeard;
  }

  signalDelivered(room: string, receivers: number): void {
    channels["holdfast:signal:delivered"].publish({ server: this.server, room, receivers });
  }

  /** Of a signal that is dropped for some of its receivers, one for each of them. */
  signalsDropped(reason: Told<"holdfast:signal:dropped">["reason"], receivers: number): void {
    const channel = channels["holdfast:signal:dropped"];
    if (channel.isHeard) channel.publish({ server: this.server, reason, receivers });
  }

  lossReported(room: string): void {
    const channel = channels["holdfast:log:lost"];
    if (channel.isHeard) channel.publish({ server: this.server, room });
  }

  linkUp(link: Link): void {
    const channel = channels["holdfast:redis:up"];
    if (channel.isHeard) channel.publish({ server: this.server, link });
  }

  linkLost(link: Link, reason: Error): void {
    const channel = channels["holdfast:redis:lost"];
    if (channel.isHeard) channel.publish({ server: this.server, link, reason });
  }

  /** True where somebody wants to know how long Redis takes. */
  get hearsCommands(): boolean {
    return channels["holdfast:redis:answered"].isHeard;
  }

  commandAnswered(link: Link, tookMs: number): void {
    channels["holdfast:redis:answered"].publish({ server: this.server, link, tookMs });
  }

  commandFailed(link: Link, reason: CommandFailure): void {
    const channel = channels["holdfast:redis:failed"];
    if (channel.isHeard) channel.publish({ server: this.server, link, reason });
  }
}
