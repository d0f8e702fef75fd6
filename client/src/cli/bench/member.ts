import { performance } from "node:perf_hooks";
import type { AnyContract } from "../../contract.ts";
import type { Room } from "../../room-api.ts";
import { type AnyClient, type Connecting, connectedWithin, openClient } from "../connected.ts";
import { MemberRecord } from "./record.ts";

/** A change of the connection, planned by the server or made by the bench. */
interface Move {
  readonly kind: "planned" | "cut";
  /** From its beginning until the client is connected again, or by the new connection alone. */
  readonly tookMs: number;
}

/** A client of the bench, in the room. */
export interface BenchMember {
  readonly client: AnyClient;
  readonly room: Room<AnyContract>;
  readonly record: MemberRecord;
  readonly moves: Move[];
  /** From the call of `connect` until the room was joined. */
  readonly connectMs: number;
  /** Gives its connection up, as when the network is gone, and comes back at once. */
  cut(): void;
}

/** Connects and joins. Rejects with why it could not. */
export async function openMember(
  connecting: Connecting,
  roomName: string,
  hear: (id: string, atMs: number) => void,
): Promise<BenchMember> {
  const startedMs = performance.now();
  const network = new EventTarget();
  const client = openClient(connecting, { onlineHint: network });
  const room = client.join(roomName);
  const record = new MemberRecord();
  const moves: Move[] = [];
  room.on("message", (message) => {
    const atMs = performance.now();
    record.take(message, atMs);
    hear(message.id, atMs);
  });
  room.on("gap", () => {
    record.gaps += 1;
  });
  // What is refused later is counted where it is published; what concerns the room ends in `gap` or in losses.
  client.on("error", () => undefined);
  room.on("error", () => undefined);
  let begun: { readonly kind: Move["kind"]; readonly atMs: number } | undefined;
  client.on("status", (status) => {
    if (status === "moving") begun = { kind: "planned", atMs: performance.now() };
    if (status === "reconnecting") begun = { kind: "cut", atMs: performance.now() };
    if (status !== "connected" || begun === undefined) return;
    moves.push({ kind: begun.kind, tookMs: performance.now() - begun.atMs });
    begun = undefined;
  });
  try {
    // Both at once: a refusal of either is the reason.
    await Promise.all([connectedWithin(client, connecting), room.ready]);
  } catch (error) {
    await client.close();
    throw error;
  }
  return {
    client,
    room,
    record,
    moves,
    connectMs: performance.now() - startedMs,
    cut: () => network.dispatchEvent(new Event("offline")),
  };
}
