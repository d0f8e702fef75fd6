import { expect, test, vi } from "vitest";
import { startScriptedServer } from "../support/scripted-server.ts";
import { uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

/** How often the part that knows members is still to fail to load. */
const failures = vi.hoisted(() => ({ left: 0 }));

vi.mock("../../client/src/presence.ts", async (importOriginal) => {
  if (failures.left > 0) {
    failures.left -= 1;
    throw new Error("the network is away");
  }
  return importOriginal();
});

test("a member whose part of the client fails to load is in the room without it, is told, and becomes one later", async () => {
  failures.left = 1;
  await using server = await startScriptedServer(({ name, payload }) => {
    if (name !== "room:join" || !("presence" in payload)) return undefined;
    const page = { position: "0-0", recovered: true, messages: [], complete: true };
    return { ok: true, data: { ...page, members: [], count: 0, mode: "members", version: "a-1" } };
  });
  const name = uniqueRoom();
  const room = server.client.join(name, { presence: { name: "ann" } });
  const errors: string[] = [];
  room.on("error", ({ code }) => errors.push(code));
  const set = room.setPresence({ name: "bob" });
  await room.ready;
  await set;
  await waitFor(() => room.count === 0, "the members");
  expect(errors).toEqual(["LOAD_FAILED"]);
  const joins = server.asked.filter((one) => one.name === "room:join").map(({ payload }) => payload);
  expect([joins[0], joins[1]]).toMatchObject([{ room: name }, { room: name, since: "0-0", presence: { name: "ann" } }]);
  expect(joins[0]).not.toHaveProperty("presence");
  expect(server.asked.filter((one) => one.name === "presence:update").at(-1)?.payload).toEqual({
    room: name,
    state: { name: "bob" },
  });
});
