import { expect, test } from "vitest";
import { gather } from "../end-to-end/crowd.ts";
import { deploy, post } from "../end-to-end/rig.ts";
import { otherAnswers } from "../function-compute/index.ts";
import { messageId, uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";
import { Scene } from "./scene.ts";

// Many of the platform's ways are documented nowhere, or in two ways. The emulator knows both answers to each question, and
// the server must not depend on any of them.

const answers = [
  ["as the older pages say", {}],
  ["the other way round", otherAnswers],
] as const;

test.concurrent.each(answers)(
  "with everything that is undocumented %s, deadlines, a planned end and an update go unnoticed",
  { timeout: 90_000 },
  async (_what, settings) => {
    await using deployment = await deploy({
      vars: { timeout: 16 },
      settings: { minInstances: 2, maxInstances: 6, ...settings },
      env: { HISTORY_MAX_MESSAGES: "100000", DRAIN_SECONDS: "3" },
    });
    const { fc } = deployment;
    await using scene = await Scene.begin(fc, 8);
    await scene.everybodyMoved(1);
    const [fullest] = [...fc.instances()].sort((a, b) => b.inFlight - a.inFlight);
    await fc.destroyInstance(fullest?.id ?? "");
    await scene.settled();
    await fc.update({ env: { RELEASE: "2" } });
    await scene.everybodyMoved(2);
    await scene.expectNothingNoticed();
  },
);

test.concurrent.each(answers)(
  "with everything that is undocumented %s, an instance that was frozen serves the first who comes, again and again",
  { timeout: 60_000 },
  async (_what, settings) => {
    await using deployment = await deploy({
      settings: { maxInstances: 1, ...settings },
      env: { DRAIN_SECONDS: "30" },
    });
    const { fc } = deployment;
    const name = uniqueRoom();
    for (let time = 0; time < 3; time += 1) {
      const startedMs = performance.now();
      {
        await using crowd = await gather(fc.url, 2, name);
        await crowd.first.room.publish("chat:message", { text: `over the socket ${time}` });
        expect(crowd.first.statuses).toEqual(["connecting", "connected"]);
      }
      await waitFor(() => fc.instances().every(({ state }) => state === "frozen"), "the instance to be frozen");
      // The hook before the freeze had nobody to move, and so did not wait for the drain's 30 s.
      expect(performance.now() - startedMs).toBeLessThan(15_000);
      expect((await post(fc, name, messageId(), `over HTTP ${time}`)).status).toBe(201);
      await waitFor(() => fc.instances().every(({ state }) => state === "frozen"), "it to be frozen again");
    }
    expect(fc.instances()).toHaveLength(1);
  },
);

test.concurrent.each(answers)(
  "with everything that is undocumented %s, forged hooks and an asynchronous publish have no effect that lasts",
  { timeout: 60_000 },
  async (_what, settings) => {
    await using deployment = await deploy({
      settings: { maxInstances: 1, ...settings },
      env: { DRAIN_SECONDS: "1" },
    });
    const { fc } = deployment;
    await using crowd = await gather(fc.url, 2);
    const { room, recording } = crowd.first;
    await fetch(`${fc.url}/pre-stop`, { headers: { "x-fc-control-path": "/pre-stop" } });
    await fetch(`${fc.url}/initialize`, { method: "POST", headers: { "x-fc-control-path": "/initialize" } });
    await waitFor(() => crowd.members.every(({ client }) => client.status === "connected"), "any moves to end");

    // Where the instance is told of it, it is refused; where not, the id makes a repeat harmless.
    const id = messageId();
    const later = fc.events.next("request:ended", {
      where: ({ method, url }) => method === "POST" && url.endsWith("later"),
    });
    const asynchronous = await post(fc, room.name, id, "later", { "X-Fc-Invocation-Type": "Async" }, "?later");
    expect(asynchronous.status).toBe(202);
    const told = settings === otherAnswers ? 201 : 403;
    expect((await later).status).toBe(told);
    expect((await post(fc, room.name, id, "later")).status).toBe(told === 201 ? 200 : 201);
    await room.publish("chat:message", { text: "fence" });
    await recording.has("fence");
    expect(recording.texts()).toEqual(["later", "fence"]);
    for (const { statuses } of crowd.members) expect(statuses).not.toContain("reconnecting");
  },
);
