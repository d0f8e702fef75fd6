import { expect, test } from "vitest";
import { sessionId } from "../support/unique.ts";
import { startAuthRig } from "./auth-rig.ts";

test("the session of a client that has not signed in is no signed-in user's, who could lock it out", async () => {
  await using rig = await startAuthRig(
    { authenticate: ({ token }) => ({ user: token ?? null, rooms: { "*": "read write" } }) },
    { instances: 2 },
  );
  const session = sessionId();
  const guest = await rig.stock({ session });
  for (const instance of [0, 1]) {
    const thief = rig.stock({ token: "mallory", session }, instance);
    await expect(thief).rejects.toMatchObject({ data: { code: "FORBIDDEN" } });
  }
  guest.disconnect();
  const again = await rig.stock({ session }, 1);
  expect(again.connected).toBe(true);
  // And the other way round: a guest has no use of a user's session.
  const own = sessionId();
  await rig.stock({ token: "ann", session: own });
  await expect(rig.stock({ session: own })).rejects.toMatchObject({ data: { code: "FORBIDDEN" } });
});
