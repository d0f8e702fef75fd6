import { expect, test } from "vitest";
import { askData, connectStock } from "../support/stock-client.ts";
import { waitFor } from "../support/wait.ts";
import { gather } from "./crowd.ts";
import { publishSteadily } from "./publishing.ts";
import { deploy, logPositions } from "./rig.ts";

test("a deadline that takes the whole instance with it costs the others on it a reconnection, and no message", async () => {
  await using deployment = await deploy({
    vars: { timeout: 6 },
    settings: { minInstances: 2, maxInstances: 3, cut: "whole-instance" },
    env: { HISTORY_MAX_MESSAGES: "100000" },
  });
  const { fc, redis } = deployment;
  await using crowd = await gather(fc.url, 12);
  const { room } = crowd.first;
  // It does not move, and so its deadline comes.
  using stock = await connectStock(fc.url);
  await askData(stock, "room:join", { room: room.name });
  const stop = publishSteadily(room, 5);
  const { reason } = await fc.events.next("instance:destroyed", { timeoutMs: 20_000 });
  expect(reason).toBe("timeout");
  await waitFor(() => crowd.members.every(({ client }) => client.status === "connected"), "everybody to be back");
  const sent = await stop();
  for (const { recording } of crowd.members) {
    await recording.has(sent.at(-1) ?? "");
    expect(recording.texts()).toEqual(sent);
    expect(recording.gaps).toEqual([]);
  }
  expect(await logPositions(redis, room.name)).toHaveLength(sent.length);
});
