import { expect, test } from "vitest";
import { waitFor } from "../support/wait.ts";
import { askJson, type Echo, openSocket, startFixture } from "./support.ts";

test("a connection is cut without a close frame when the timeout is over, and the others of its instance live on", async () => {
  await using fc = await startFixture({ timeoutSeconds: 1, instanceConcurrency: 10 });
  using first = await openSocket(fc);
  const openedMs = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 400));
  using second = await openSocket(fc);
  const { code, atMs } = await first.closed;
  expect(code).toBe(1006);
  expect(atMs - openedMs).toBeGreaterThan(900);
  expect(atMs - openedMs).toBeLessThan(1300);
  expect(await second.echo("still here")).toBe("still here");
  expect(fc.counts().cuts).toBe(1);
});

test("an instance is frozen as soon as its last request ends and thawed by the next one", async () => {
  await using fc = await startFixture({ instanceConcurrency: 10 });
  const frozen = fc.events.next("instance:frozen");
  const { instanceId } = await askJson<Echo>(`${fc.url}/echo`);
  expect((await frozen).instanceId).toBe(instanceId);
  await waitFor(() => fc.instances()[0]?.state === "frozen", "the instance to be frozen");
});
