import { type Client, connect, type HoldfastError } from "@holdfast/client";
import { afterEach, expect, test, vi } from "vitest";
import type { ChatRoom } from "../support/chat.ts";
import { record } from "../support/client-rig.ts";
import { seededRandom } from "../support/random.ts";
import { publishedBatch, startScriptedServer } from "../support/scripted-server.ts";
import { startRelay } from "../support/tcp-relay.ts";
import { uniqueRoom } from "../support/unique.ts";
import { timePasses, waitFor } from "../support/wait.ts";
import { startAuthRig } from "./auth-rig.ts";

afterEach(() => void vi.restoreAllMocks());

function closedWithTest<Contract>(client: Client<Contract>): Client<Contract> & AsyncDisposable {
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });
}

/** Events of a room by which it ends, each with its code and the room's status at that moment. */
function endsOf(room: Pick<ChatRoom, "on" | "status">): string[] {
  const ends: string[] = [];
  const note = (event: string) => (error: HoldfastError) => ends.push(`${event} ${error.code} ${room.status}`);
  room.on("revoked", note("revoked"));
  room.on("error", note("error"));
  return ends;
}

/** Instances whose application lets everybody into the room "team" or nobody, and the client of a user. */
async function startTeam() {
  const state = { isMember: true };
  const rig = await startAuthRig({ authorize: ({ room }) => room !== "team" || state.isMember });
  return {
    state,
    rig,
    client: rig.connect({ token: () => rig.token("ann") }),
    [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
  };
}

test("a room whose right ends is over for all its handles: revoked is told, and publishes reject with its code", async () => {
  await using team = await startTeam();
  const { rig, client, state } = team;
  const handles = [client.join("team"), client.join("team")];
  const other = client.join("other");
  const heard: unknown[] = [];
  for (const room of [...handles, other]) room.on("said", (text) => heard.push(text));
  await Promise.all([...handles, other].map(({ ready }) => ready));
  const ends = [...handles, other].map(endsOf);
  state.isMember = false;
  await rig.server.recheck("ann", "team");
  await waitFor(() => handles.every(({ status }) => status === "left"), "the end of the room");
  expect(ends).toEqual([["revoked FORBIDDEN left"], ["revoked FORBIDDEN left"], []]);
  await expect(handles[0]?.publish("said", "too late")).rejects.toMatchObject({ code: "FORBIDDEN" });
  await rig.server.publish("team", "said", "secret");
  await rig.server.publish("other", "said", "fence");
  await waitFor(() => heard.length > 0, "the fence");
  expect([heard, other.status, client.status]).toEqual([["fence"], "joined", "connected"]);
});

test("an application may join again when it is told, with a handle to which the end before does not apply", async () => {
  const name = uniqueRoom();
  await using server = await startScriptedServer();
  const room = server.client.join(name);
  await room.ready;
  const again = new Promise<ChatRoom>((resolve) => {
    room.on("revoked", () => resolve(server.client.join(name)));
  });
  server.tell("room:revoked", { room: name, code: "FORBIDDEN" });
  const second = await again;
  await second.ready;
  const recording = record(second);
  server.tell("message:published", publishedBatch(name, ["to the new one"]));
  await recording.has("to the new one");
  expect(server.asked.map((asked) => asked.name)).toEqual(["room:join", "room:join"]);
  expect(second.status).toBe("joined");
});

test("a right that ended while there was no connection is told as revoked, too, and one that never was as an error", async () => {
  await using team = await startTeam();
  const { rig, client, state } = team;
  const room = client.join("team");
  await room.ready;
  const ends = endsOf(room);
  state.isMember = false;
  await rig.server.disconnectUser("ann");
  await waitFor(() => room.status === "left", "the end of the room", 20_000);
  expect(ends).toEqual(["revoked FORBIDDEN left"]);
  const never = client.join("team");
  const neverEnds = endsOf(never);
  await expect(never.ready).rejects.toMatchObject({ code: "FORBIDDEN" });
  expect(neverEnds).toEqual(["error FORBIDDEN left"]);
});

const pageWith = (room: string) => ({
  ok: true,
  data: { position: "7-0", recovered: true, messages: publishedBatch(room, ["missed"]).messages, complete: true },
});
const stored = { ok: true, data: { position: "7-1", duplicate: false } };
const unavailable = (room: string) => ["room:revoked", { room, code: "UNAVAILABLE" }] as const;

test("where the right is unknown, the room is joined again from its position, and publishes wait for that", async () => {
  const name = uniqueRoom();
  await using server = await startScriptedServer((asked, count) => {
    if (asked.name === "message:publish") return stored;
    return asked.name === "room:join" && count > 1 ? pageWith(name) : undefined;
  });
  const room = server.client.join(name);
  const recording = record(room);
  await room.ready;
  const ends = endsOf(room);
  server.tell(...unavailable(name));
  await waitFor(() => room.status === "joining", "the room to be lost");
  const published = room.publish("chat:message", { text: "waits" });
  await recording.has("missed");
  await published;
  expect(server.asked.map((asked) => asked.name)).toEqual(["room:join", "room:join", "message:publish"]);
  expect(server.asked[1]?.payload).toEqual({ room: name, since: "0-0" });
  expect([recording.texts(), recording.gaps, ends, room.status]).toEqual([["missed"], [], [], "joined"]);
});

test("of two handles that join again one after the other, both get what was missed", async () => {
  const name = uniqueRoom();
  await using server = await startScriptedServer((asked, count) =>
    asked.name === "history:read" || (asked.name === "room:join" && count > 1) ? pageWith(name) : undefined,
  );
  const handles = [server.client.join(name), server.client.join(name)];
  const recordings = handles.map(record);
  await Promise.all(handles.map(({ ready }) => ready));
  // The first one waits for no time, the second one for 0.9 s.
  vi.spyOn(Math, "random").mockReturnValueOnce(0).mockReturnValueOnce(0.9);
  server.tell(...unavailable(name));
  for (const { has } of recordings) await has("missed");
});

test("an answer that was under way when the room was lost does not make it a joined one", async () => {
  const name = uniqueRoom();
  const answers: ((answer: unknown) => void)[] = [];
  await using server = await startScriptedServer((asked, count) => {
    if (asked.name === "message:publish") return stored;
    return asked.name === "room:join" && count === 1 ? new Promise((answer) => answers.push(answer)) : undefined;
  });
  const room = server.client.join(name);
  await waitFor(() => answers.length === 1, "the first join");
  const isTold = new Promise<void>((resolve) => void room.on("chat:typing", () => resolve()));
  server.tell(...unavailable(name));
  server.tell("signal:sent", { room: name, event: "chat:typing", data: {}, from: { user: null, session: null } });
  await isTold;
  answers[0]?.({ ok: true, data: { position: "0-0", recovered: true, messages: [], complete: true } });
  await room.publish("chat:message", { text: "after the second join" });
  expect(server.asked.map((asked) => asked.name)).toEqual(["room:join", "room:join", "message:publish"]);
});

test("a room whose right ends is left as well, since another connection of a move may be in it", async () => {
  const name = uniqueRoom();
  await using server = await startScriptedServer();
  const room = server.client.join(name);
  await room.ready;
  server.tell("room:revoked", { room: name, code: "FORBIDDEN" });
  await waitFor(() => room.status === "left", "the end of the room");
  await waitFor(() => server.count("room:leave") === 1, "the goodbye");
});

test("rights that come and go, tokens that expire and cuts lose, repeat and reorder nothing", async () => {
  const random = seededRandom(5);
  let isDoubtful = false;
  await using rig = await startAuthRig({
    authorize() {
      if (isDoubtful && random() < 0.5) throw new Error("the membership is not known now");
      return true;
    },
  });
  await using relay = await startRelay(Number(new URL(rig.server.url).port));
  await using client = closedWithTest(
    connect(`http://127.0.0.1:${relay.port}`, {
      token() {
        if (random() < 0.2) throw new Error("no token now");
        return rig.token("ann", { expiresInSeconds: 2 });
      },
    }),
  );
  const handles = ["even", "odd"].map(() => {
    const room = client.join("lobby");
    const heard: unknown[] = [];
    room.on("message", ({ data }) => heard.push(data));
    for (const event of ["gap", "revoked", "error"] as const) room.on(event, () => heard.push(event));
    return { room, heard };
  });
  await Promise.all(handles.map(({ room }) => room.ready));
  isDoubtful = true;
  const own: Promise<unknown>[] = [];
  for (let index = 0; index < 200; index++) {
    await rig.server.publish("lobby", "said", `theirs ${index}`);
    own.push(...handles.slice(index % 2, (index % 2) + 1).map(({ room }) => room.publish("said", `own ${index}`)));
    if (random() < 0.1) await rig.server.recheck("ann");
    if (random() < 0.02) relay.cutAll({ reset: true });
    // The publishes are spread over some lives of a token.
    await timePasses(random() * 40);
  }
  isDoubtful = false;
  await Promise.all(own);
  await rig.server.publish("lobby", "said", "end");
  await waitFor(() => handles.every(({ heard }) => heard.includes("end")), "the last message", 20_000);
  for (const { heard } of handles) {
    for (const whose of ["theirs", "own"]) {
      const all = Array.from({ length: 200 }, (_, index) => `${whose} ${index}`);
      expect(heard.filter((text) => `${text}`.startsWith(`${whose} `))).toEqual(all);
    }
    expect(heard).toHaveLength(401);
  }
}, 60_000);
