import { Worker } from "../../support/worker.ts";
import type { RawMembers } from "../rig/raw-members.ts";

/** Processes that the members are divided into. */
export const SWARMS = 2;

/** Processes of raw clients, which several measurements may use one after the other. */
export class Clients implements AsyncDisposable {
  readonly swarms = Array.from({ length: SWARMS }, openWorker);
  readonly publisher = openWorker();

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

function openWorker(): Worker<RawMembers> {
  return new Worker<RawMembers>(new URL("../rig/raw-members.ts", import.meta.url));
}
