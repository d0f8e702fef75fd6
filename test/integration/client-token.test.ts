import { fileURLToPath } from "node:url";
import type { Client, HoldfastError } from "@holdfast/client";
import { expect, test } from "vitest";
import { ManagedProcess } from "../support/managed-process.ts";
import { startScriptedServer } from "../support/scripted-server.ts";
import { uniqueRoom } from "../support/unique.ts";
import { timePasses, waitFor } from "../support/wait.ts";
import { secret, startAuthRig } from "./auth-rig.ts";

const sleepingClient = fileURLToPath(new URL("./sleeping-client.ts", import.meta.url));
const everything = { "*": "read write" };
const expiring = { reason: "token", deadlineMs: 0 };

function errorsOf(client: Pick<Client<unknown>, "on">): HoldfastError[] {
  const errors: HoldfastError[] = [];
  client.on("error", (error) => errors.push(error));
  return errors;
}

function statusesOf(client: Pick<Client<unknown>, "on" | "status">): string[] {
  const statuses: string[] = [client.status];
  client.on("status", (status) => statuses.push(status));
  return statuses;
}

/** A token function that counts its calls; some of them fail. */
function tokens(fails: (call: number) => boolean = () => false) {
  const counted = {
    calls: 0,
    token: () => {
      counted.calls++;
      if (fails(counted.calls)) throw new Error(`no token at call ${counted.calls}`);
      return `token ${counted.calls}`;
    },
  };
  return counted;
}

test.concurrent("a connection outlives its tokens: each is replaced in time, and the connection is neither moved nor cut", async () => {
  await using rig = await startAuthRig();
  let calls = 0;
  const client = rig.connect({
    token: () => {
      calls++;
      return rig.token("ann", { rooms: everything, expiresInSeconds: 3 });
    },
  });
  const [statuses, errors] = [statusesOf(client), errorsOf(client)];
  const room = client.join("lobby");
  const heard: unknown[] = [];
  room.on("said", (text) => heard.push(text));
  await room.ready;
  await waitFor(() => calls === 4, "three fresh tokens");
  await room.publish("said", "still here");
  await waitFor(() => heard.length > 0, "the message");
  expect([heard, statuses, errors]).toEqual([["still here"], ["connecting", "connected"], []]);
});

test.concurrent("where the server does not know the request, the client moves to a connection with a fresh token", async () => {
  const counted = tokens();
  const error = { code: "UNKNOWN_EVENT", message: "older", retryable: false };
  await using server = await startScriptedServer(
    ({ name }) => (name === "token:refresh" ? { ok: false, error } : undefined),
    counted,
  );
  const statuses = statusesOf(server.client);
  await server.client.join(uniqueRoom()).ready;
  server.tell("connection:expiring", expiring);
  await waitFor(() => statuses.length === 4, "the move");
  expect(statuses).toEqual(["connecting", "connected", "moving", "connected"]);
  expect([counted.calls, server.count("token:refresh")]).toEqual([3, 1]);
});

test.concurrent("a token function that fails is told with its cause and called again, while the connection goes on", async () => {
  const counted = tokens((call) => call === 2 || call === 3);
  await using server = await startScriptedServer(undefined, counted);
  const [statuses, errors] = [statusesOf(server.client), errorsOf(server.client)];
  await server.client.join(uniqueRoom()).ready;
  server.tell("connection:expiring", expiring);
  await waitFor(() => server.count("token:refresh") === 1, "a fresh token");
  expect(server.asked.at(-1)?.payload).toEqual({ token: "token 4" });
  expect(errors).toMatchObject([
    { code: "TOKEN_FAILED", retryable: true, cause: { message: "no token at call 2" } },
    { code: "TOKEN_FAILED", retryable: true, cause: { message: "no token at call 3" } },
  ]);
  expect(statuses).toEqual(["connecting", "connected"]);
});

test.concurrent("it is called no more for a connection that was cut, but for the next one", async () => {
  const counted = tokens((call) => call === 2);
  await using server = await startScriptedServer(undefined, counted);
  const errors = errorsOf(server.client);
  await server.client.join(uniqueRoom()).ready;
  server.tell("connection:expiring", expiring);
  await waitFor(() => errors.length === 1, "the failure");
  server.cut();
  await waitFor(() => server.client.status === "reconnecting", "the client to notice the cut");
  await waitFor(() => server.client.status === "connected", "the client to be back");
  // The delay before another call for the first connection would be over.
  await timePasses(1001);
  expect([counted.calls, server.count("token:refresh"), errors.length]).toEqual([3, 0, 1]);
});

test.concurrent("a token that is a fixed text moves nothing, and without any the client moves, as a cookie may have changed", async () => {
  await using fixed = await startScriptedServer(undefined, { token: "fixed" });
  await using none = await startScriptedServer();
  const statuses = [fixed, none].map(({ client }) => statusesOf(client));
  for (const server of [fixed, none]) {
    await server.client.join(uniqueRoom()).ready;
    server.tell("connection:expiring", expiring);
  }
  await waitFor(() => statuses[1]?.length === 4, "the move");
  expect(statuses).toEqual([
    ["connecting", "connected"],
    ["connecting", "connected", "moving", "connected"],
  ]);
  expect(fixed.count("token:refresh") + none.count("token:refresh")).toBe(0);
});

/** A client in a process of its own, which is stopped as a laptop that sleeps while `meanwhile` happens. */
async function sleepThrough(meanwhile: (rig: Awaited<ReturnType<typeof startAuthRig>>) => Promise<unknown>) {
  await using rig = await startAuthRig();
  await using sleeper = new ManagedProcess({
    command: process.execPath,
    args: ["--import", "tsx", "--conditions=@holdfast/source", sleepingClient],
    env: { ...process.env, SERVER_URL: rig.server.url, TOKEN_SECRET: secret },
  });
  const lines = () => sleeper.output.trim().split("\n");
  await waitFor(() => lines().includes("ready"), "the client to be ready");
  sleeper.freeze();
  await meanwhile(rig);
  await rig.server.publish("lobby", "said", "missed");
  sleeper.thaw();
  await waitFor(() => lines().includes("heard missed"), "what was missed");
  await waitFor(() => lines().filter((line) => line === "token").length > 1, "a fresh token");
  return lines();
}

test.concurrent("after a sleep beyond the end of its token a client goes on with a fresh one", async () => {
  // A token lives for 3 s.
  const lines = await sleepThrough(() => timePasses(4_000));
  expect(lines.filter((line) => line !== "token")).toEqual(["connected", "ready", "heard missed"]);
});

test.concurrent("after a sleep in which its token was revoked and its connection closed, it comes back with a fresh one", async () => {
  const lines = await sleepThrough(async ({ server }) => {
    await server.disconnectUser("ann");
    // A token of a later second than the revocation's counts.
    await timePasses(1_100);
  });
  expect(lines.filter((line) => line !== "token").slice(0, 5)).toEqual([
    "connected",
    "ready",
    "reconnecting",
    "connected",
    "heard missed",
  ]);
});

test.concurrent("a session that is another user's ends the client for good, with an error that says what to do", async () => {
  await using rig = await startAuthRig();
  const session = "a-session-of-the-first-user";
  const ann = rig.connect({ session, token: () => rig.token("ann", { rooms: everything }) });
  await ann.join("lobby").ready;
  const bob = rig.connect({ session, token: () => rig.token("bob", { rooms: everything }) });
  const errors = errorsOf(bob);
  await expect(bob.join("lobby").ready).rejects.toMatchObject({ code: "FORBIDDEN" });
  expect(errors).toMatchObject([
    { code: "FORBIDDEN", retryable: false, message: expect.stringContaining("connect again with a new one") },
  ]);
  expect([bob.status, ann.status]).toEqual(["closed", "connected"]);
});

test.concurrent("a move whose token is refused for good tells so once, and the present connection goes on until it ends", async () => {
  await using rig = await startAuthRig({}, { settings: { functionTimeoutSeconds: 2 } });
  let calls = 0;
  const client = rig.connect({
    token: () => {
      calls += 1;
      return calls === 1 ? rig.token("ann", { rooms: { "*": "read write" } }) : "no token";
    },
  });
  const errors: string[] = [];
  client.on("error", ({ code }) => errors.push(code));
  const room = client.join("lobby");
  await room.ready;
  await waitFor(() => calls >= 4, "the next connection to be refused twice", 20_000);
  expect([client.status, errors]).toEqual(["moving", ["UNAUTHENTICATED"]]);
  expect(await room.publish("said", "through the present connection")).toMatchObject({ duplicate: false });
  await rig.server.disconnectUser("ann");
  await waitFor(() => client.status === "closed", "the end of the client");
  expect(errors).toEqual(["UNAUTHENTICATED"]);
});
