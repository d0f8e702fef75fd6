import { expect, test } from "vitest";
import { connectChat } from "../support/chat.ts";
import { record, recordStatus } from "../support/client-rig.ts";
import { uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";
import { gather } from "./crowd.ts";
import { deploy } from "./rig.ts";

// What the platform says before a WebSocket is open. A client waits and comes again, and its room is as if nothing had been.

test("a client that is refused with 429, because everything is full, waits and gets in when there is room", async () => {
  await using deployment = await deploy({ settings: { instanceConcurrency: 2, maxInstances: 1 } });
  const { fc } = deployment;
  const name = uniqueRoom();
  const early = await gather(fc.url, 2, name);
  const throttled = fc.events.next("request:ended", { where: ({ status }) => status === 429 });
  const late = connectChat(fc.url);
  const statuses = recordStatus(late);
  try {
    const room = late.join(name);
    const recording = record(room);
    await throttled;
    expect(late.status).toBe("connecting");
    await early[Symbol.asyncDispose]();
    await room.ready;
    await room.publish("chat:message", { text: "in at last" });
    await recording.has("in at last");
    expect(statuses).toEqual(["connecting", "connected"]);
  } finally {
    await late.close();
  }
});

test.each([
  [503, { requestsPerSecond: 1 }],
  [500, { systemErrorShare: 0.6 }],
])("clients that meet %i come again with back-off until they are in, and miss nothing", async (status, settings) => {
  await using deployment = await deploy({ settings });
  const { fc } = deployment;
  await using crowd = await gather(fc.url, 5);
  await crowd.first.room.publish("chat:message", { text: "everybody is here" });
  for (const { recording, statuses } of crowd.members) {
    await recording.has("everybody is here");
    expect(statuses).toEqual(["connecting", "connected"]);
  }
  await waitFor(() => (fc.counts().statuses.get(status) ?? 0) > 0, `a refusal with ${status}`);
});
