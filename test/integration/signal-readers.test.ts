import { expect, test } from "vitest";
import { connectRaw } from "../support/raw-websocket.ts";
import { askData, collect } from "../support/stock-client.ts";
import { sessionId } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";
import { adminToken, metricOf, startAuthRig } from "./auth-rig.ts";

// Who is sent signals, and who sends them.

const rooms = { "*": "read write" };

test("a reader for which much waits gets every message and no signal, and the others get both", async () => {
  await using rig = await startAuthRig();
  const token = await rig.token("ann", { rooms });
  const events: string[] = [];
  using slow = await connectRaw(rig.server.url, {
    auth: { protocol: 1, session: sessionId(), token: await rig.token("ben", { rooms }) },
    onEvent: (packet) => events.push(packet),
  });
  await slow.request("room:join", { room: "lobby" });
  const quick = await rig.stock({ token });
  await askData(quick, "room:join", { room: "lobby" });
  using published = collect(quick, "message:published");
  using signals = collect(quick, "signal:sent");
  const dropped = () => metricOf(rig, 'signals_dropped_total{reason="slow reader"}');

  slow.pause();
  let messages = 0;
  let sent = 0;
  await waitFor(async () => {
    await rig.server.publish("lobby", "said", "x".repeat(60_000));
    messages += 1;
    await rig.server.signal("lobby", "typing", {});
    sent += 1;
    return (await dropped()) >= 5;
  }, "signals to be dropped");
  await rig.server.publish("lobby", "said", "the last one");
  slow.resume();
  await waitFor(() => events.at(-1)?.includes("the last one"), "the last message");

  const isSignal = (packet: string) => packet.startsWith('42["signal:sent"');
  expect(events.filter((packet) => !isSignal(packet))).toHaveLength(messages + 1);
  expect(events.filter(isSignal).length).toBe(sent - (await dropped()));
  await waitFor(() => signals.items.length >= sent, "every signal, for the one that reads");
  expect(published.items.flatMap((item) => item.messages)).toHaveLength(messages + 1);
  expect(await metricOf(rig, 'connections_cut_total{reason="slow reader"}')).toBe(0);

  // One that has caught up gets signals again.
  await rig.server.signal("lobby", "typing", {});
  await waitFor(() => isSignal(events.at(-1) ?? ""), "a signal for the one that was slow");
});

test("a client of the package gets what a server, HTTP and another client signal", async () => {
  await using rig = await startAuthRig({}, { instances: 2 });
  const token = await rig.token("ann", { rooms });
  const member = rig.connect({ token: await rig.token("ben", { rooms }) }, 1).join("lobby");
  const from: unknown[] = [];
  member.on("typing", (_, context) => from.push(context.from.user));
  await member.ready;
  const body = { event: "typing", data: {} };
  await rig.server.signal("lobby", "typing", {});
  await waitFor(() => from.length === 1, "the signal of the server");
  expect(await rig.call("/rooms/lobby/signals", { token, body })).toMatchObject({ status: 200 });
  await waitFor(() => from.length === 2, "the user's signal over HTTP");
  expect(await rig.call("/rooms/lobby/signals", { token: adminToken, body })).toMatchObject({ status: 200 });
  await waitFor(() => from.length === 3, "the back end's signal over HTTP");
  const client = rig.connect({ token });
  const room = client.join("lobby");
  await room.ready;
  room.signal("typing", {});
  await waitFor(() => from.length === 4, "the signal of another client");
  expect(from).toEqual([null, "ann", null, "ann"]);
});
