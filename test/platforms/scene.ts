import { expect } from "vitest";
import { type Crowd, gather } from "../end-to-end/crowd.ts";
import { publishSteadily } from "../end-to-end/publishing.ts";
import { watchStarvation } from "../end-to-end/starvation.ts";
import type { CutReason, FunctionCompute } from "../function-compute/index.ts";
import { waitFor } from "../support/wait.ts";

/** A process that waits for a processor for so much of the time cannot be held to any deadline. */
const starvation = 0.4;

/** What is done to clients while they publish and read, and what must have come of it. */
export class Scene implements AsyncDisposable {
  readonly #platform: FunctionCompute;
  readonly #crowd: Crowd;
  readonly #stopPublishing: () => Promise<string[]>;
  readonly #starved = watchStarvation([process.pid]);
  readonly #cuts: CutReason[] = [];
  readonly #endedInTime: boolean[] = [];

  /** Clients of the package in one room, one of which publishes all the time. */
  static async begin(platform: FunctionCompute, clients: number): Promise<Scene> {
    return new Scene(platform, await gather(platform.url, clients));
  }

  private constructor(platform: FunctionCompute, crowd: Crowd) {
    this.#platform = platform;
    this.#crowd = crowd;
    platform.events.on("instance:signalled", ({ inTime }) => this.#endedInTime.push(inTime));
    platform.events.on("connection:cut", ({ reason }) => this.#cuts.push(reason));
    this.#stopPublishing = publishSteadily(crowd.first.room, 20);
  }

  /** Waits until every client has moved so often, and none is on its way any more. */
  async everybodyMoved(times: number, timeoutMs = 45_000): Promise<void> {
    const moves = (statuses: readonly string[]) => statuses.filter((status) => status === "moving").length;
    const haveMoved = () => this.#crowd.members.every(({ statuses }) => moves(statuses) >= times);
    await waitFor(haveMoved, `every client to move ${times} times`, timeoutMs);
    await this.settled();
  }

  /** Waits until nobody is on the way to another connection. */
  async settled(): Promise<void> {
    const isSettled = () => this.#crowd.members.every(({ client }) => client.status === "connected");
    await waitFor(isSettled, "the moves to end", 30_000);
  }

  /** Everything that was acknowledged came to everybody once and in order, and no connection was cut under anybody. */
  async expectNothingNoticed(): Promise<void> {
    await this.settled();
    const starved = this.#starved();
    const sent = await this.#stopPublishing();
    expect(sent.length).toBeGreaterThan(10);
    for (const { recording } of this.#crowd.members) {
      await recording.has(sent.at(-1) ?? "");
      expect(recording.texts()).toEqual(sent);
      expect(recording.gaps).toEqual([]);
    }
    if (starved > starvation) {
      console.log(
        `no deadline is asserted: this process waited ${Math.round(starved * 100)} % of the time for a processor`,
      );
      return;
    }
    for (const { statuses } of this.#crowd.members) expect(statuses).not.toContain("reconnecting");
    expect(this.#cuts).toEqual([]);
    expect(this.#endedInTime).not.toContain(false);
    expect(this.#platform.counts().cuts).toBe(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stopPublishing().catch(() => undefined);
    await this.#crowd[Symbol.asyncDispose]();
  }
}
