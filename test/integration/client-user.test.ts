import { expect, test } from "vitest";
import { startScriptedServer } from "../support/scripted-server.ts";
import { waitFor } from "../support/wait.ts";
import { startAuthRig } from "./auth-rig.ts";

const rooms = { "*": "read write" };

test("client.user is undefined until a room is joined, and then the token's user", async () => {
  await using rig = await startAuthRig();
  const client = rig.connect({ token: () => rig.token("ann", { rooms }) });
  await waitFor(() => client.status === "connected", "the connection");
  expect(client.user).toBeUndefined();
  await client.join("lobby").ready;
  expect(client.user).toBe("ann");
});

test("client.user is known when a fresh token was taken, and null where nobody signs in", async () => {
  await using rig = await startAuthRig();
  let tokens = 0;
  const client = rig.connect({
    token: () => {
      tokens += 1;
      return rig.token("ann", { rooms, expiresInSeconds: tokens === 1 ? 2 : 600 });
    },
  });
  await waitFor(() => client.user === "ann", "the answer to the fresh token");
  expect(tokens).toBe(2);
  await using anonymous = await startAuthRig({}, { settings: { auth: "anonymous" } });
  const guest = anonymous.connect({});
  await guest.join("lobby").ready;
  expect(guest.user).toBeNull();
});

test("client.user follows what the server says last, and an older server says nothing", async () => {
  const page = { position: "0-0", recovered: true, messages: [], complete: true };
  const told = [{}, { user: null }, { user: "ann" }];
  await using server = await startScriptedServer(({ name }, count) =>
    name === "room:join" ? { ok: true, data: { ...page, ...told[count - 1] } } : undefined,
  );
  const { client } = server;
  const seen: unknown[] = [];
  for (const [index] of told.entries()) {
    if (index === 0) await client.join("lobby").ready;
    else server.cut();
    await waitFor(() => server.count("room:join") > index && client.status === "connected", "the join");
    await waitFor(() => index === 0 || client.user !== seen.at(-1), "the answer");
    seen.push(client.user);
  }
  expect(seen).toEqual([undefined, null, "ann"]);
});
