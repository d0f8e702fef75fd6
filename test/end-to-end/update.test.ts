import { expect, test } from "vitest";
import { limits } from "../../client/src/protocol/index.ts";
import { opened, stockSocket } from "../support/stock-client.ts";
import { waitFor } from "../support/wait.ts";
import { gather } from "./crowd.ts";
import { deploy } from "./rig.ts";

const newVersion = { env: { HISTORY_MAX_MESSAGES: "500" } };

test("two versions share their rooms, and a client that has to move reaches the new one", async () => {
  await using deployment = await deploy({ vars: { timeout: 12 } });
  const { fc } = deployment;
  await using early = await gather(fc.url, 1);
  const name = early.first.room.name;
  await fc.update(newVersion);
  await using late = await gather(fc.url, 1, name);
  expect(fc.instances().map(({ version, inFlight }) => ({ version, inFlight }))).toEqual([
    { version: 1, inFlight: 1 },
    { version: 2, inFlight: 1 },
  ]);
  await early.first.room.publish("chat:message", { text: "from the old version" });
  await late.first.room.publish("chat:message", { text: "from the new version" });
  const both = [early.first, late.first];
  for (const { recording } of both) await recording.has("from the new version");

  const left = await fc.events.next("instance:destroyed", { timeoutMs: 20_000 });
  expect(left.reason).toBe("update");
  expect(fc.instances().map(({ version }) => version)).toEqual([2]);
  await early.first.room.publish("chat:message", { text: "both on the new version" });
  for (const { recording, statuses } of both) {
    await recording.has("both on the new version");
    expect(recording.texts()).toEqual(["from the old version", "from the new version", "both on the new version"]);
    expect(statuses).not.toContain("reconnecting");
  }
  expect(fc.counts().cuts).toBe(0);
});

test("a client of another protocol is refused by both versions, with the next step", async () => {
  await using deployment = await deploy();
  const { fc } = deployment;
  const refusal = async () => {
    using socket = stockSocket(fc.url, { protocol: limits.protocolVersion + 1 });
    return await opened(socket).catch((error: unknown) => error);
  };
  const expected = { data: { code: "UNSUPPORTED_PROTOCOL", retryable: false } };
  await using stays = await gather(fc.url, 1);
  expect(await refusal()).toMatchObject(expected);
  await fc.update(newVersion);
  expect(await refusal()).toMatchObject(expected);
  await waitFor(() => fc.instances().some(({ version }) => version === 2), "an instance of the new version");
  expect(stays.first.client.status).toBe("connected");
});
