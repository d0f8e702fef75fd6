import { keptBytes } from "../../support/inspector.ts";
import type { ServerProcess } from "../../support/server-process.ts";

/** What a process holds in memory. */
export interface Memory {
  /** Heap and buffers after a collection: what is kept. */
  readonly keptBytes: number;
  /** What the system has given it. */
  readonly residentBytes: number;
}

/** The server has to be started with `inspectable`. */
export async function memoryOf(server: ServerProcess): Promise<Memory> {
  const kept = await keptBytes(server);
  return { keptBytes: kept, residentBytes: server.memoryBytes() };
}

/** What so many connections have added. */
export function memoryEach(before: Memory, after: Memory, connections: number): Memory {
  return {
    keptBytes: (after.keptBytes - before.keptBytes) / connections,
    residentBytes: (after.residentBytes - before.residentBytes) / connections,
  };
}
