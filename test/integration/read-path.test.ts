import { createClient } from "redis";
import { expect, test } from "vitest";
import { startInstances } from "../support/instances.ts";
import { connectRaw, type RawClient } from "../support/raw-websocket.ts";
import { askData, connectStock } from "../support/stock-client.ts";
import { messageId, uniqueRoom } from "../support/unique.ts";

const clientCount = 1_000;

test("1,000 clients that resume one room at once cost the instance a handful of reads", async () => {
  await using instances = await startInstances(1);
  const admin = createClient({ url: instances.redis.url });
  await admin.connect();
  const scriptCalls = async () => Number(/cmdstat_evalsha:calls=(\d+)/.exec(await admin.info("commandstats"))?.[1]);
  const clients: RawClient[] = [];
  try {
    using publisher = await connectStock(instances.url(0));
    const room = uniqueRoom();
    const publish = (text: string) =>
      askData(publisher, "message:publish", { room, id: messageId(), event: "chat:message", data: { text } });
    const { position } = await publish("seen");
    for (let index = 0; index < 50; index += 1) await publish(`missed ${index}`);
    while (clients.length < clientCount) {
      clients.push(...(await Promise.all(Array.from({ length: 50 }, () => connectRaw(instances.url(0))))));
    }

    const before = await scriptCalls();
    const answers = await Promise.all(clients.map((client) => client.request("room:join", { room, since: position })));
    const reads = (await scriptCalls()) - before;

    const [first] = answers;
    expect(first).toMatchObject({ ok: true, data: { recovered: true, complete: true } });
    expect((first as { data: { messages: unknown[] } }).data.messages).toHaveLength(50);
    for (const answer of answers) expect(answer).toEqual(first);
    console.log(`${clientCount} resumes: ${reads} reads`);
    expect(reads).toBeLessThanOrEqual(20);
  } finally {
    for (const client of clients) client.terminate();
    admin.destroy();
  }
});
