import { createServer } from "@holdfast/server";
import { describe, expect, test } from "vitest";
import { deferred } from "../support/application-rig.ts";
import { ask, askData, collect, connectStock, type StockSocket } from "../support/stock-client.ts";
import { startRelay } from "../support/tcp-relay.ts";
import { messageId } from "../support/unique.ts";
import { timePasses, waitFor, withTimeout } from "../support/wait.ts";
import { contract, startAuthRig } from "./auth-rig.ts";

const everything = { "*": "read write" };
const noReturn = { reconnection: false };
const cutOf = (socket: StockSocket) => new Promise<string>((resolve) => socket.once("disconnect", resolve));
const said = (room: string, data: string) => ({ room, id: messageId(), event: "said", data });

describe("what is under way when a right ends", () => {
  test("is not stored: publishes that wait behind beforePublish when their user is disconnected", async () => {
    const gate = deferred();
    let asked = 0;
    await using rig = await startAuthRig({
      beforePublish: async ({ data }) => {
        asked += 1;
        if (data !== "fence") await gate.promise;
      },
    });
    const token = await rig.token("ann", { rooms: everything });
    const socket = await rig.stock({ token, socket: noReturn });
    const cut = cutOf(socket);
    for (let count = 0; count < 8; count += 1) socket.emit("message:publish", said("lobby", "late"), () => undefined);
    const overHttp = rig.call("/rooms/lobby/messages", { token, body: { ...said("", "late"), room: undefined } });
    await waitFor(() => asked === 2, "the first publish over the socket and the one over HTTP to be asked about");
    await rig.server.disconnectUser("ann");
    await cut;
    gate.resolve();
    expect(await overHttp).toMatchObject({ status: 401, body: { error: { code: "TOKEN_EXPIRED" } } });
    await waitFor(() => asked === 9, "the last publish to be asked about");
    using bob = await rig.stock({ token: await rig.token("bob", { rooms: everything }) });
    await askData(bob, "message:publish", said("lobby", "fence"));
    expect((await rig.server.history("lobby")).messages.map(({ data }) => data)).toEqual(["fence"]);
  });

  test("is refused: a publish that waits when the right to write is gone", async () => {
    const gate = deferred();
    let mayWrite = true;
    await using rig = await startAuthRig({
      authorize: ({ action }) => action === "read" || mayWrite,
      beforePublish: () => gate.promise,
    });
    using socket = await rig.stock({ token: await rig.token("ann") });
    const answer = ask(socket, "message:publish", said("lobby", "late"));
    // A fence: the server has taken the publish when it answers this.
    await askData(socket, "room:join", { room: "lobby" });
    mayWrite = false;
    await rig.server.recheck("ann");
    gate.resolve();
    expect(await answer).toMatchObject({ ok: false, error: { code: "FORBIDDEN" } });
    expect((await rig.server.history("lobby")).messages).toEqual([]);
  });

  test("is not answered: pages that wait for their turn when the right to read is gone", async () => {
    let mayRead = true;
    await using rig = await startAuthRig({ authorize: () => mayRead });
    const data = "x".repeat(60_000);
    for (let count = 0; count < 8; count += 1) await rig.server.publish("lobby", "said", data);
    using socket = await rig.stock({ token: await rig.token("ann") });
    await askData(socket, "room:join", { room: "lobby" });
    using revoked = collect(socket, "room:revoked");
    const pages = Array.from({ length: 40 }, () =>
      ask(socket, "history:read", { room: "lobby", after: "0-0" }, 20_000),
    );
    await Promise.race(pages);
    mayRead = false;
    await rig.server.recheck("ann");
    await revoked.waitFor(() => true, "the end of the right");
    const { position } = await rig.server.publish("lobby", "said", "a secret");
    const answers = await Promise.all(pages);
    expect(answers.at(-1)).toMatchObject({ ok: false, error: { code: "FORBIDDEN" } });
    for (const answer of answers) if (answer.ok) expect(answer.data.position).not.toBe(position);
  });
});

describe("after an outage of Redis", () => {
  test("members stay while the application is slow to answer about them, and leave once it has refused", async () => {
    const answers = deferred();
    let isSlow = false;
    let underWay = 0;
    let most = 0;
    const refused = new Set<string>();
    await using rig = await startAuthRig({
      authorize: async ({ room }) => {
        underWay += 1;
        most = Math.max(most, underWay);
        if (isSlow) await answers.promise;
        underWay -= 1;
        return !refused.has(room);
      },
    });
    const rooms = Array.from({ length: 20 }, (_, index) => `room-${index}`);
    const sockets: StockSocket[] = [];
    const told: string[] = [];
    for (const user of ["ann", "bob", "cid", "dan"]) {
      const socket = await rig.stock({ token: await rig.token(user), socket: noReturn });
      socket.on("room:revoked", ({ room, code }) => told.push(`${room} ${code}`));
      for (const room of rooms) await askData(socket, "room:join", { room });
      sockets.push(socket);
    }
    [isSlow, most] = [true, 0];
    await rig.redis.restart({ keepData: false });
    await waitFor(() => underWay > 0, "the application to be asked again", 15_000);
    // What follows takes longer than the second in which a recheck wants its answer.
    await timePasses(1_500);
    expect(told).toEqual([]);
    refused.add("room-7");
    isSlow = false;
    answers.resolve();
    await waitFor(() => told.length === 4, "the refused room to be left");
    expect(told).toEqual(Array(4).fill("room-7 FORBIDDEN"));
    expect(most).toBeLessThanOrEqual(32);
    expect(sockets.every((socket) => socket.connected)).toBe(true);
  });

  test("a user of the application's own authenticate who was disconnected meanwhile is found, and nobody else", async () => {
    const own = {
      authenticate: ({ token = "" }: { token: string | undefined }) => ({ user: token, rooms: everything }),
    };
    await using rig = await startAuthRig(own, { settings: { auth: undefined, tokenSecret: undefined } });
    await using relay = await startRelay(rig.redis.port);
    const { keyPrefix } = rig;
    const quiet = () => undefined;
    await using far = await createServer(
      { contract, ...own },
      {
        settings: { port: 0, redisUrl: `redis://127.0.0.1:${relay.port}`, keyPrefix, drainSeconds: 0 },
        logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
      },
    );
    // An earlier disconnection, after which the user was let in again, is no reason to close the connection.
    await rig.server.disconnectUser("bob");
    using ann = await connectStock(far.url, { token: "ann", socket: noReturn });
    using bob = await connectStock(far.url, { token: "bob", socket: noReturn });
    const cut = cutOf(ann);
    relay.cutAll({ reset: true });
    relay.blackhole();
    await rig.server.disconnectUser("ann");
    expect(ann.connected).toBe(true);
    relay.heal();
    expect(await withTimeout(cut, "the connection to be closed", 15_000)).toBe("io server disconnect");
    await askData(bob, "message:publish", said("lobby", "still here"));
    using again = await connectStock(far.url, { token: "ann" });
    expect(again.connected).toBe(true);
  });
});
