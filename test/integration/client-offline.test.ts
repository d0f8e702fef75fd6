import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Rig, record, recordStatus, startRig } from "../support/client-rig.ts";
import { startScriptedServer } from "../support/scripted-server.ts";
import { uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterEach(() => rig.closeClients());
afterAll(() => rig[Symbol.asyncDispose]());

async function connected() {
  const page = new EventTarget();
  const client = rig.connect({ onlineHint: page });
  const room = client.join(uniqueRoom());
  await room.ready;
  return { page, client, room, statuses: recordStatus(client), recording: record(room) };
}

test("a browser that is offline has no connection: the status says so at once", async () => {
  const { page, client, room, recording } = await connected();
  rig.relay.blackhole();
  page.dispatchEvent(new Event("offline"));
  expect(client.status).toBe("reconnecting");
  const published = room.publish("chat:message", { text: "written offline" });
  rig.relay.heal();
  page.dispatchEvent(new Event("online"));
  await published;
  await recording.has("written offline");
  expect(recording.texts()).toEqual(["written offline"]);
});

test.each(["visibilitychange", "pageshow"])(
  "after %s a connection whose server does not answer in time is given up for a new one",
  async (event) => {
    const { page, client, statuses, room } = await connected();
    rig.relay.blackhole();
    page.dispatchEvent(new Event(event));
    await waitFor(() => client.status === "reconnecting", "the silence to be noticed", 6_000);
    rig.relay.cutAll({ reset: true });
    rig.relay.heal();
    await room.publish("chat:message", { text: "back" });
    expect(statuses).toEqual(["connected", "reconnecting", "connected"]);
  },
);

test("after visibilitychange a connection that works is kept", async () => {
  const page = new EventTarget();
  await using server = await startScriptedServer(undefined, { onlineHint: page });
  await server.client.join(uniqueRoom()).ready;
  const statuses = recordStatus(server.client);
  page.dispatchEvent(new Event("visibilitychange"));
  await waitFor(() => server.count("echo") === 1, "the question");
  await server.client.join(uniqueRoom("fence")).ready;
  expect(statuses).toEqual(["connected"]);
});

/** A page that counts who listens to it. */
class CountingPage extends EventTarget {
  listeners = 0;
  override addEventListener(...args: Parameters<EventTarget["addEventListener"]>) {
    this.listeners++;
    super.addEventListener(...args);
  }
  override removeEventListener(...args: Parameters<EventTarget["removeEventListener"]>) {
    this.listeners--;
    super.removeEventListener(...args);
  }
}

test("a client that is closed listens to the page no more", async () => {
  const page = new CountingPage();
  const client = rig.connect({ onlineHint: page });
  await client.join(uniqueRoom()).ready;
  expect(page.listeners).toBe(4);
  await client.close();
  expect(page.listeners).toBe(0);
});
