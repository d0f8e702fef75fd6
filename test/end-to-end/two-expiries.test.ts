import { expect, test } from "vitest";
import { record, recordStatus, startRig } from "../support/client-rig.ts";
import { uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";
import { publishSteadily } from "./publishing.ts";

test("a client whose connection and the one it moves to both expire lands on a third, with nothing lost", async () => {
  await using rig = await startRig({ servers: 3, env: { DRAIN_SECONDS: "6" } });
  const [first, second, third] = rig.servers;
  if (!first || !second || !third) throw new Error("expected three servers");
  const client = rig.connect();
  const statuses = recordStatus(client);
  const room = client.join(uniqueRoom());
  const recording = record(room);
  await room.ready;
  const stop = publishSteadily(room, 5);
  // A slow line, so that the move is still under way when the second instance begins to drain.
  rig.relay.delayMs = 100;
  rig.relay.targetPort = second.port;
  const firstEnded = first.stop();
  await waitFor(() => client.status === "moving" && rig.relay.connections === 2, "the move to begin");
  rig.relay.targetPort = third.port;
  const secondEnded = second.stop();
  const exits = await Promise.all([firstEnded, secondEnded]);
  rig.relay.delayMs = 0;
  await waitFor(() => client.status === "connected", "the moves to end");
  const sent = await stop();
  await recording.has(sent.at(-1) ?? "");
  expect(exits.map(({ code }) => code)).toEqual([0, 0]);
  expect(recording.texts()).toEqual(sent);
  expect(recording.gaps).toEqual([]);
  expect(statuses).not.toContain("reconnecting");
});
