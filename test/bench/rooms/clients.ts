import { Worker } from "../../support/worker.ts";
import type { RawMembers } from "../rig/raw-members.ts";

/** Processes that the members are divided into. */
export const SWARMS = 2;

/** Processes of raw clients, which several measurements may use one after the other. */
export class Clients implements AsyncDisposable {
  readonly swarms: readonly Worker<RawMembers>[];
  readonly publisher: Worker<RawMembers>;

  /** @param file - what the processes run */
  constructor(file: URL = new URL("../rig/raw-members.ts", import.meta.url)) {
    this.swarms = Array.from({ length: SWARMS }, () => new Worker<RawMembers>(file));
    this.publisher = new Worker<RawMembers>(file);
  }

  /** Ends all their connections. */
  async close(): Promise<void> {
    await Promise.all(this.#all.map((worker) => worker.call("closeAll", null)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#all.map((worker) => worker[Symbol.asyncDispose]()));
  }

  get #all() {
    return [...this.swarms, this.publisher];
  }
}
