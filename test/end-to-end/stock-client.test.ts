import { expect, test } from "vitest";
import { askData, collect, connectStock, opened, stockSocket } from "../support/stock-client.ts";
import { messageId, uniqueRoom } from "../support/unique.ts";
import { withTimeout } from "../support/wait.ts";
import { deploy, post } from "./rig.ts";

test.each([
  ["the platform's header tells the timeout", "always"],
  ["only the server's own setting tells it", "never"],
] as const)(
  "where %s, socket.io-client alone is warned, sees 1006, and comes back by itself",
  async (_what, header) => {
    await using deployment = await deploy({ vars: { timeout: 3 }, settings: { timeoutHeader: header } });
    const { fc } = deployment;
    const room = uniqueRoom();
    using socket = await connectStock(fc.url);
    using expiring = collect(socket, "connection:expiring");
    await askData(socket, "room:join", { room });
    const [reason, details] = await withTimeout(
      new Promise<unknown[]>((resolve) => socket.once("disconnect", (...told) => resolve(told))),
      "the platform to cut the connection",
    );
    expect(reason).toBe("transport close");
    expect(details).toMatchObject({ context: { code: 1006 } });
    expect(expiring.items).toHaveLength(1);
    expect(expiring.items[0]).toMatchObject({ reason: "timeout", deadlineMs: expect.any(Number) });

    await withTimeout(new Promise((resolve) => socket.once("connect", () => resolve(true))), "it to come back");
    using published = collect(socket, "message:published");
    await askData(socket, "room:join", { room });
    await post(fc, room, messageId(), "back again");
    await published.waitFor(({ messages }) => messages.length === 1, "a message after the return");
  },
);

test("long-polling is refused with 400", async () => {
  await using deployment = await deploy();
  const { fc } = deployment;
  using socket = stockSocket(fc.url, { socket: { transports: ["polling"] } });
  const error = await opened(socket).catch((refusal: unknown) => refusal);
  expect(error).toMatchObject({ message: "xhr poll error", description: 400 });
});
