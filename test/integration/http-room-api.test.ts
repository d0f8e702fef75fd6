import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { limits } from "../../client/src/protocol/limits.ts";
import { call, messageOf, post } from "../support/http-call.ts";
import { faultsOf, type Instances, startInstances } from "../support/instances.ts";
import { askData, collect, connectStock } from "../support/stock-client.ts";
import { messageId, uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

const adminToken = "correct-horse-battery";

describe("on a developer's machine", () => {
  let instances: Instances;
  let base: string;
  beforeAll(async () => {
    instances = await startInstances(2);
    base = instances.url(0);
  });
  afterAll(async () => {
    const faults = instances.servers.flatMap(faultsOf);
    await instances[Symbol.asyncDispose]();
    expect(faults).toEqual([]);
  });

  test("a back end's message reaches members of every instance, from nobody's session", async () => {
    const room = uniqueRoom();
    using member = await connectStock(instances.url(1));
    using published = collect(member, "message:published");
    await askData(member, "room:join", { room });
    const message = messageOf("from a back end");
    const { status, body } = await post(base, room, message);
    expect({ status, duplicate: body.duplicate }).toEqual({ status: 201, duplicate: false });
    const { messages } = await published.waitFor(() => true, "the back end's message");
    expect(messages).toEqual([
      {
        ...message,
        position: body.position,
        from: { user: null, session: null },
        sentAtMs: expect.any(Number),
      },
    ]);
  });

  test("a repeated id is answered with 200 and the first position, over the socket too", async () => {
    const room = uniqueRoom();
    const message = messageOf("once");
    const first = await post(base, room, message);
    const again = await post(instances.url(1), room, message);
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.body).toEqual({ position: first.body.position, duplicate: true });
    using socket = await connectStock(base);
    expect(await askData(socket, "message:publish", { ...message, room })).toEqual(again.body);
  });

  test("messages are read in pages: the newest, after, before and between", async () => {
    const room = uniqueRoom("user:a@b.example-");
    const positions: string[] = [];
    for (let index = 0; index < 5; index += 1)
      positions.push((await post(base, room, messageOf(`${index}`))).body.position);
    const read = async (query: string) => {
      const { status, body } = await call(base, `/rooms/${encodeURIComponent(room)}/messages${query}`);
      expect({ status, position: body.position }).toEqual({ status: 200, position: positions[4] });
      return [body.messages.map(({ data }: { data: { text: string } }) => data.text).join(""), body.complete];
    };
    expect(await read("")).toEqual(["01234", true]);
    expect(await read("?limit=2")).toEqual(["34", true]);
    expect(await read(`?after=${positions[1]}&limit=2`)).toEqual(["23", false]);
    expect(await read(`?after=${positions[3]}`)).toEqual(["4", true]);
    expect(await read(`?before=${positions[1]}`)).toEqual(["0", true]);
    expect(await read(`?after=${positions[0]}&before=${positions[3]}`)).toEqual(["12", true]);
    const unknown = await call(base, `/rooms/${room}/messages?after=1-1`);
    expect(unknown.body).toMatchObject({ recovered: false });
  });

  test.each<[string, unknown, number, string]>([
    ["no JSON", "{", 400, "INVALID_PAYLOAD"],
    ["an empty body", "", 400, "INVALID_PAYLOAD"],
    ["a list", [], 400, "INVALID_PAYLOAD"],
    ["no id", { event: "chat:message", data: { text: "a" } }, 400, "INVALID_PAYLOAD"],
    ["an unknown field", { ...messageOf("a"), extra: 1 }, 400, "INVALID_PAYLOAD"],
    ["wrong data", { ...messageOf("a"), data: {} }, 400, "INVALID_PAYLOAD"],
    ["an unknown event", { ...messageOf("a"), event: "chat:shout" }, 400, "UNKNOWN_EVENT"],
    ["too long a text", messageOf("x".repeat(4_001)), 400, "INVALID_PAYLOAD"],
    ["data above the limit", messageOf("x".repeat(limits.dataBytes)), 413, "PAYLOAD_TOO_LARGE"],
    ["a body above the limit", messageOf("x".repeat(3 * limits.dataBytes)), 413, "PAYLOAD_TOO_LARGE"],
    ["an order that cannot be kept", { ...messageOf("a"), after: messageId() }, 409, "OUT_OF_ORDER"],
  ])("a body with %s is refused", async (_what, body, status, code) => {
    const answer = await post(base, uniqueRoom(), body);
    expect(answer).toMatchObject({ status, body: { error: { code, message: expect.any(String) } } });
    expect(typeof answer.body.error.retryable).toBe("boolean");
  });

  test("a body in pieces of unknown length is measured all the same", async () => {
    const piece = new TextEncoder().encode("x".repeat(limits.dataBytes));
    const pieces = new ReadableStream({
      start(controller) {
        for (let index = 0; index < 4; index += 1) controller.enqueue(piece);
        controller.close();
      },
    });
    const init: RequestInit & { duplex: "half" } = { method: "POST", body: pieces, duplex: "half" };
    expect(await call(base, `/rooms/${uniqueRoom()}/messages`, init)).toMatchObject({ status: 413 });
  });

  test("a body in pieces of unknown length is read, though its characters are cut in the middle", async () => {
    const room = uniqueRoom();
    const bytes = new TextEncoder().encode(JSON.stringify(messageOf("好".repeat(1_000))));
    const pieces = new ReadableStream({
      start(controller) {
        for (let from = 0; from < bytes.length; from += 100) controller.enqueue(bytes.subarray(from, from + 100));
        controller.close();
      },
    });
    const init: RequestInit & { duplex: "half" } = { method: "POST", body: pieces, duplex: "half" };
    expect(await call(base, `/rooms/${room}/messages`, init)).toMatchObject({ status: 201 });
    const { body } = await call(base, `/rooms/${room}/messages`);
    expect(body.messages).toMatchObject([{ data: { text: "好".repeat(1_000) } }]);
  });

  test.each(["?limit=0", "?limit=501", "?limit=ten", "?limit=", "?after=now", "?before=1", "?befor=1-1"])(
    "a query %s is refused",
    async (query) => {
      const answer = await call(base, `/rooms/${uniqueRoom()}/messages${query}`);
      expect(answer).toMatchObject({ status: 400, body: { error: { code: "INVALID_PAYLOAD" } } });
    },
  );

  test.each(["{a}", "a b", "x".repeat(129), "ü", "..%2Fadmin"])("the room %s is refused", async (room) => {
    const answer = await post(base, room, messageOf("a"));
    expect(answer).toMatchObject({ status: 400, body: { error: { code: "INVALID_PAYLOAD" } } });
  });

  test.each([
    ["GET", "/nothing"],
    ["DELETE", "/rooms/lobby/messages"],
    ["PUT", "/rooms/lobby/messages"],
    ["GET", "/rooms//messages"],
    ["POST", "/initialize"],
    ["GET", "/pre-stop"],
  ])("%s %s is not there", async (method, path) => {
    expect(await call(base, path, { method })).toMatchObject({ status: 404, body: { error: { code: "NOT_FOUND" } } });
  });
});

describe("in production", () => {
  const production = { NODE_ENV: "production", AUTH: "anonymous", ALLOWED_ORIGINS: "https://app.example" };

  test("the room API asks for the admin token", async () => {
    await using instances = await startInstances(1, { env: { ...production, ADMIN_TOKEN: adminToken } });
    const base = instances.url(0);
    const room = uniqueRoom();
    const message = messageOf("a");
    const wrong = ["", "Bearer", "Bearer ", "Bearer wrong", `Basic ${adminToken}`, adminToken, `Bearer ${adminToken}x`];
    for (const authorization of wrong) {
      const refused = [
        await post(base, room, message, { authorization }),
        await call(base, `/rooms/${room}/messages`, { headers: { authorization } }),
      ];
      for (const { status, body } of refused) {
        expect({ status, code: body.error.code }, authorization).toEqual({ status: 401, code: "UNAUTHENTICATED" });
      }
    }
    const authorization = `Bearer ${adminToken}`;
    expect(await call(base, `/rooms/${room}/messages`, { headers: { authorization } })).toMatchObject({
      status: 200,
      body: { messages: [] },
    });
    expect((await post(base, room, message, { authorization })).status).toBe(201);
    // Nor is the token to be guessed from what the server prints.
    expect(instances.servers[0]?.output).not.toContain(adminToken);
  });

  test("without an admin token there is no room API, and no demo page", async () => {
    await using instances = await startInstances(1, { env: production });
    const base = instances.url(0);
    expect(await post(base, uniqueRoom(), messageOf("a"))).toMatchObject({ status: 404 });
    expect(await call(base, "/rooms/lobby/messages")).toMatchObject({ status: 404 });
    expect(await call(base, "/")).toMatchObject({ status: 404 });
    expect((await fetch(`${base}/healthz`)).status).toBe(200);
  });
});

test("with Redis silent a request fails with 503, a full queue with 429, and both say what to do", async () => {
  await using instances = await startInstances(1);
  const base = instances.url(0);
  const room = uniqueRoom();
  instances.redis.freeze();
  // Every character of this text takes six in JSON, so that 200 messages fill the 4 MiB that a room's queue holds.
  const text = "\u0001".repeat(4_000);
  const answers = await Promise.all(Array.from({ length: 300 }, () => post(base, room, messageOf(text))));
  instances.redis.thaw();
  const statuses = new Map<number, number>();
  for (const { status } of answers) statuses.set(status, (statuses.get(status) ?? 0) + 1);
  expect([...statuses.keys()].sort()).toEqual([429, 503]);
  const limited = answers.find(({ status }) => status === 429);
  expect(limited?.body.error).toMatchObject({
    code: "RATE_LIMITED",
    retryable: true,
    retryAfterMs: expect.any(Number),
  });
  expect(limited?.headers.get("retry-after")).toBe("1");
  const away = answers.find(({ status }) => status === 503);
  expect(away?.body.error).toMatchObject({ code: "UNAVAILABLE", retryable: true });
  await waitFor(async () => (await post(base, room, messageOf("back"))).status === 201, "publishing to work again");
});
