import { expect, test } from "vitest";
import { startRig } from "../support/application-rig.ts";
import { uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

test("a request learns how long its connection has been open and will last, on a platform that cuts", async () => {
  const told: { readonly ageMs: number; readonly leftMs: number | undefined }[] = [];
  const requests = {
    "poll:close": (_payload: unknown, { connection: { ageMs, leftMs } }: { connection: (typeof told)[number] }) => {
      told.push({ ageMs, leftMs });
      return { votes: 0 };
    },
  };
  for (const settings of [{ functionTimeoutSeconds: "60" }, {}]) {
    await using rig = await startRig({ requests }, { settings });
    const client = rig.connect();
    await client.join(uniqueRoom()).ready;
    await client.request("poll:close", { poll: "a" });
  }
  const [limited, unlimited] = told;
  expect(limited?.ageMs).toBeLessThan(30_000);
  const lifeMs = (limited?.ageMs ?? 0) + (limited?.leftMs ?? 0);
  expect(lifeMs, "read one after the other").toBeGreaterThan(59_000);
  expect(lifeMs).toBeLessThanOrEqual(60_001);
  expect(unlimited?.leftMs).toBeUndefined();
});

test("a request can cut the connection through which it is asked, and no other", async () => {
  await using rig = await startRig({
    requests: {
      "poll:close": (_payload, { connection }) => {
        connection.cut();
        return { votes: 0 };
      },
    },
  });
  const [cut, other] = [rig.connect(), rig.connect()];
  const statuses: string[] = [];
  for (const client of [cut, other]) {
    await client.join(uniqueRoom()).ready;
    client.on("status", (status) => statuses.push(`${client === cut ? "cut" : "other"} ${status}`));
  }
  await expect(cut.request("poll:close", { poll: "a" })).rejects.toMatchObject({ code: "TIMED_OUT" });
  await waitFor(() => cut.status === "connected", "the client to come back");
  expect(statuses).toEqual(["cut reconnecting", "cut connected"]);
});
