import { expect, test } from "vitest";
import { limits, type Page } from "../../../client/src/protocol/index.ts";
import { contractSchemas } from "../../../server/src/application/schemas.ts";
import { RequestError } from "../../../server/src/errors.ts";
import { KnownPositions } from "../../../server/src/log/known-positions.ts";
import type { RoomLog } from "../../../server/src/log/room-log.ts";
import type { Caller } from "../../../server/src/requests/caller.ts";
import { joinRoom } from "../../../server/src/requests/join-room.ts";

const page: Page = { position: "1-0", recovered: true, messages: [], complete: true };

/** A connection whose joins read a log that answers when the test says so. */
function connection() {
  const rooms = new Set<string>();
  let may = true;
  const reads: { succeed: () => void; fail: () => void }[] = [];
  const log: Pick<RoomLog, "read"> = {
    read: () =>
      new Promise((resolve, reject) => {
        reads.push({ succeed: () => resolve(page), fail: () => reject(new RequestError("UNAVAILABLE", "away")) });
      }),
  };
  const caller: Caller = {
    identity: {
      isTrusted: false,
      user: null,
      session: null,
      claims: undefined,
      requireCurrent: () => undefined,
      may: () => may,
    },
    from: { user: null, session: null },
    refreshToken: async () => null,
    connection: "id",
    reads: { run: (read) => read(limits.pageBytes) },
    membership: {
      get size() {
        return rooms.size;
      },
      has: (room) => rooms.has(room),
      add: async (room) => {
        rooms.add(room);
      },
      remove: (room) => {
        rooms.delete(room);
      },
    },
  };
  const parts = { log, known: new KnownPositions(60), schemas: contractSchemas({}) };
  const revoke = () => {
    may = false;
  };
  return { rooms, reads, parts, revoke, join: () => joinRoom(parts, caller, { room: "lobby" }) };
}

test("a join is not acknowledged when another one of the same connection has failed and left the room", async () => {
  const { reads, rooms, join } = connection();
  const first = expect(join()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  const second = expect(join()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  await new Promise(setImmediate);
  reads[0]?.fail();
  await first;
  reads[1]?.succeed();
  await second;
  expect(rooms.size).toBe(0);
});

test("a failed repetition of a join leaves the connection in the room", async () => {
  const { reads, rooms, join } = connection();
  const first = join();
  await new Promise(setImmediate);
  reads[0]?.succeed();
  expect(await first).toEqual({ ...page, user: null });
  const again = expect(join()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  await new Promise(setImmediate);
  reads[1]?.fail();
  await again;
  expect([...rooms]).toEqual(["lobby"]);
});

test("a join that was answered is not undone by an earlier one that fails after it", async () => {
  const { reads, rooms, join } = connection();
  const first = expect(join()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  const second = join();
  await new Promise(setImmediate);
  reads[1]?.succeed();
  expect(await second).toEqual({ ...page, user: null });
  reads[0]?.fail();
  await first;
  expect([...rooms]).toEqual(["lobby"]);
});

test("after the room was left, an answer of before keeps nobody in it", async () => {
  const { reads, rooms, join } = connection();
  const first = join();
  await new Promise(setImmediate);
  reads[0]?.succeed();
  await first;
  rooms.delete("lobby");
  const again = expect(join()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  await new Promise(setImmediate);
  reads[1]?.fail();
  await again;
  expect(rooms.size).toBe(0);
});

test("a join whose right ends while it waits for its read is refused, and leaves the room", async () => {
  const { reads, rooms, revoke, join } = connection();
  const refused = expect(join()).rejects.toMatchObject({ code: "FORBIDDEN" });
  await new Promise(setImmediate);
  revoke();
  reads[0]?.succeed();
  await refused;
  expect(rooms.size).toBe(0);
});
