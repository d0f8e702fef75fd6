import { once } from "node:events";
import { jwtVerify } from "jose";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Rig, startRig } from "../support/client-rig.ts";
import { commandLine, holdfast } from "../support/command-line.ts";
import { messageId, uniqueRoom } from "../support/unique.ts";
import { waitFor, withTimeout } from "../support/wait.ts";

// listen, publish, members and token in the test's process, against a server as it is deployed.

const secret = "a secret of the command line's tests";
let rig: Rig;
let env: Readonly<Record<string, string>>;
beforeAll(async () => {
  rig = await startRig({ env: { AUTH: "token", TOKEN_SECRET: secret } });
  const { out } = await holdfast(["token", "--user", "ann", "--rooms", "*=read write"], {
    env: { TOKEN_SECRET: secret },
  });
  env = { HOLDFAST_URL: rig.servers[0]?.url ?? "", HOLDFAST_TOKEN: out };
});
afterEach(() => rig.closeClients());
afterAll(() => rig[Symbol.asyncDispose]());

interface Line {
  readonly position: string;
  readonly event: string;
  readonly data: { readonly text: string };
  readonly from: { readonly user: string };
  readonly duplicate: boolean;
}

test("what is published is printed with its position, and a repeat of its id as a duplicate", async () => {
  const room = uniqueRoom();
  const argv = ["publish", room, "chat:message", '{"text":"once"}', "--id", messageId()];
  const first = await holdfast(argv, { env });
  expect(first).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+-\d+$/) });
  expect(await holdfast(argv, { env })).toMatchObject({ code: 0, out: `${first.out}  duplicate` });
  const [stored] = (await holdfast([...argv, "--json"], { env })).line.json<Line>();
  expect(stored).toMatchObject({ position: first.out, duplicate: true });
});

test("standard input is published line by line, in order, and a wrong line says which", async () => {
  const room = uniqueRoom();
  const input = Array.from({ length: 100 }, (_, index) => JSON.stringify({ text: `line ${index}` }));
  const published = await holdfast(["publish", room, "chat:message", "-", "--json"], { env, input: [...input, ""] });
  expect(published.code).toBe(0);
  expect(published.line.printed).toHaveLength(100);

  const listening = commandLine({ env });
  const ended = listening.run("listen", room, "--history", "100", "--json");
  await waitFor(() => listening.printed.length === 100, "the messages of the log");
  listening.interrupt();
  expect(await ended).toBe(0);
  expect(listening.json<Line>().map(({ data }) => JSON.stringify(data))).toEqual(input);

  const wrong = await holdfast(["publish", room, "chat:message", "-"], { env, input: ['{"text":"good"}', "bad"] });
  expect(wrong).toMatchObject({ code: 2, notes: expect.stringContaining("line 2 is not JSON") });
  expect(wrong.line.printed, "what came before it is stored").toHaveLength(1);
});

test("listen prints one event's messages as lines, tells of cuts beside them, and ends with 0", async () => {
  const room = uniqueRoom();
  const listening = commandLine({ env: { ...env, HOLDFAST_URL: `http://127.0.0.1:${rig.relay.port}` } });
  const ended = listening.run("listen", room, "chat:message");
  await waitFor(() => listening.noted.includes("status: connected"), "the connection");
  const other = await holdfast(["publish", room, "chat:reaction", '{"to":"1-1","emoji":"+"}'], { env });
  expect(other.code, other.notes).toBe(0);
  await holdfast(["publish", room, "chat:message", '{"text":"before"}'], { env });
  await waitFor(() => listening.printed.length === 1, "the message");
  rig.relay.cutAll({ reset: true });
  await waitFor(() => listening.noted.includes("status: reconnecting"), "the cut");
  await holdfast(["publish", room, "chat:message", '{"text":"behind"}'], { env });
  await waitFor(() => listening.printed.length === 2, "the message behind the cut");
  listening.interrupt();
  expect(await ended).toBe(0);
  const [time = "", position, event, user, data] = listening.printed[0]?.split("  ") ?? [];
  expect(Math.abs(Date.now() - Date.parse(time))).toBeLessThan(60_000);
  expect([event, user, data]).toEqual(["chat:message", "ann", '{"text":"before"}']);
  expect(position).toMatch(/^\d+-\d+$/);
  expect(listening.noted).toEqual(["status: connected", "status: reconnecting", "status: connected"]);
});

test("members are a table, a list for machines, and a number where they are too many", async () => {
  const room = uniqueRoom();
  expect(await holdfast(["members", room], { env })).toMatchObject({ code: 0, out: "nobody" });
  const client = rig.connectDirectly(rig.servers[0] as never, { token: env.HOLDFAST_TOKEN ?? "" });
  await client.join(room, { presence: { name: "Ann" } }).ready;
  const shown = await holdfast(["members", room], { env });
  expect(shown.out.split("\n")).toEqual([
    expect.stringMatching(/^USER +SESSION +SINCE +STATE$/),
    expect.stringMatching(new RegExp(`^ann +${client.session} .*{"name":"Ann"}$`)),
  ]);
  const [list] = (await holdfast(["members", room, "--json"], { env })).line.json();
  expect(list).toMatchObject({ room, count: 1, mode: "members", members: [{ user: "ann", session: client.session }] });

  await using counting = await startRig({ env: { PRESENCE_ANNOUNCE_MAX: "0" } });
  const url = counting.servers[0]?.url ?? "";
  const member = counting.connect();
  await member.join(room, { presence: { name: "Bo" } }).ready;
  expect((await holdfast(["members", room, "--url", url])).out).toBe("1 members, too many to be listed");
});

test("what the server refuses ends with 1, its code and the next step", async () => {
  const room = uniqueRoom();
  const wrongEvent = await holdfast(["publish", room, "chat:nothing", "1"], { env });
  expect(wrongEvent).toMatchObject({ code: 1, notes: expect.stringMatching(/^UNKNOWN_EVENT: .*\n.*contract/) });
  const nobody = { HOLDFAST_URL: env.HOLDFAST_URL ?? "" };
  for (const argv of [
    ["publish", room, "chat:message", '{"text":"hi"}'],
    ["members", room],
    ["listen", room],
  ]) {
    const refused = await holdfast(argv, { env: nobody });
    expect(refused).toMatchObject({ code: 1, notes: expect.stringMatching(/^UNAUTHENTICATED: .*\n.*--token/) });
  }
  const { out: reader } = await holdfast(["token", "--user", "bo", "--rooms", '{"news:*":"read"}'], {
    env: { TOKEN_SECRET: secret },
  });
  for (const argv of [
    ["publish", "news:a", "chat:message", '{"text":"hi"}'],
    ["members", room],
    ["listen", room],
  ]) {
    const refused = await holdfast([...argv, "--json"], { env: { ...nobody, HOLDFAST_TOKEN: reader } });
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.notes.split("\n").at(-1) ?? "")).toMatchObject({ error: { code: "FORBIDDEN" } });
  }
});

test("where nothing answers, or something else does, the code is 3", async () => {
  for (const command of [
    ["members", "lobby"],
    ["listen", "lobby"],
  ]) {
    const refused = await holdfast([...command, "--url", "http://127.0.0.1:1"]);
    expect(refused).toMatchObject({ code: 3, notes: expect.stringMatching(/^UNREACHABLE: .*\n.*doctor/) });
  }
  const { createServer } = await import("node:http");
  const other = createServer((_, response) => response.end("hello")).listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as { port: number };
  const refused = await holdfast(["members", "lobby", "--url", `http://127.0.0.1:${port}`]);
  expect(refused).toMatchObject({ code: 3, notes: expect.stringMatching(/^UPGRADE_REFUSED: /) });
  other.closeAllConnections();
  other.close();
});

test("an address that is silent is given up after --wait, and so is a publish", async () => {
  const url = `http://127.0.0.1:${rig.relay.port}`;
  rig.relay.blackhole();
  const silent = await holdfast(["members", "lobby", "--url", url, "--wait", "0.5"], { env });
  expect(silent).toMatchObject({ code: 3, notes: expect.stringContaining("within 0.5 s") });
  rig.relay.heal();
  rig.redis.freeze();
  try {
    const late = holdfast(["publish", "lobby", "chat:message", '{"text":"late"}', "--wait", "0.5"], { env });
    expect((await withTimeout(late, "the command to end", 20_000)).code).not.toBe(0);
  } finally {
    rig.redis.thaw();
  }
});

test("a token is what the server's own verification takes, with rights in every form", async () => {
  const argv = ["token", "--user", "ann", "--expires", "15m", "--issuer", "here", "--audience", "rooms"];
  const rights = ["--rooms", "lobby=read write", "--rooms", '{"news:*":"read"}', "--rooms", "*="];
  const { code, out, notes } = await holdfast([...argv, ...rights], { env: { TOKEN_SECRET: secret } });
  expect(code).toBe(0);
  expect(notes).toContain("For development alone");
  const { payload } = await jwtVerify(out, new TextEncoder().encode(secret), { issuer: "here", audience: "rooms" });
  expect(payload).toMatchObject({ sub: "ann", rooms: { lobby: "read write", "news:*": "read", "*": "" } });
  expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(900);
  for (const wrong of ["lobby", "lobby=all", "lo*by=read", "{lobby}", '{"lobby":true}']) {
    const refused = await holdfast([...argv, "--rooms", wrong], { env: { TOKEN_SECRET: secret } });
    expect(refused.code, wrong).toBe(2);
  }
});
