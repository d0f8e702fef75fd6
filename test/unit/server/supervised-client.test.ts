import { pino } from "pino";
import { ErrorReply } from "redis";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ClientEvents, RedisClient } from "../../../server/src/redis/redis-client.ts";
import { SupervisedClient } from "../../../server/src/redis/supervised-client.ts";

// The link's own decisions, by a clock that the test moves. What a real Redis does is in test/integration.

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** The other ends of a link's clients, which behave as the test says. */
function farEnd() {
  const clients: ClientEvents[] = [];
  let connect = (events: ClientEvents): Promise<unknown> => {
    events.onReady();
    return Promise.resolve();
  };
  let answer = (): Promise<unknown> => Promise.resolve("PONG");
  const createClient = (_role: unknown, events: ClientEvents): RedisClient => {
    clients.push(events);
    const whole: Partial<RedisClient> = {
      redirects: false,
      connect: () => connect(events),
      destroy: () => undefined,
      probe: () => answer(),
      info: async () => String(await answer()),
    };
    return whole as RedisClient;
  };
  const link = new SupervisedClient({ role: "commands", createClient, logger: pino({ level: "silent" }) });
  return {
    link,
    clients,
    command: () => link.run((client) => client.info()),
    cut: () => clients.at(-1)?.onError(new Error("read ECONNRESET")),
    answers(next: () => Promise<unknown>) {
      answer = next;
    },
    connects(next: typeof connect) {
      connect = next;
    },
    [Symbol.dispose]: () => link.close(),
  };
}

const never = () => new Promise<never>(() => undefined);
const refusal = (message: string) => () => Promise.reject(new ErrorReply(message));
const anHourMs = 3_600_000;

/** What came of a promise, once the test's clock has moved on. */
async function after<Value>(ms: number, promise: Promise<Value>): Promise<PromiseSettledResult<Value> | "pending"> {
  let outcome: PromiseSettledResult<Value> | "pending" = "pending";
  const settled = Promise.allSettled([promise]).then(([result]) => {
    outcome = result;
  });
  await vi.advanceTimersByTimeAsync(ms);
  void settled;
  return outcome;
}

test("a command fails in time while the link is away, though the clock is set back meanwhile", async () => {
  using end = farEnd();
  await end.link.open();
  end.connects(never);
  end.cut();
  vi.setSystemTime(Date.now() - anHourMs);
  expect(await after(1_001, end.command())).toMatchObject({ status: "rejected", reason: { code: "UNAVAILABLE" } });
  expect(await after(0, end.command())).toMatchObject({ status: "rejected", reason: { code: "UNAVAILABLE" } });
});

test("a handshake that hangs is given up in time, though the clock is set back meanwhile", async () => {
  using end = farEnd();
  await end.link.open();
  end.connects(never);
  end.cut();
  vi.setSystemTime(Date.now() - anHourMs);
  await vi.advanceTimersByTimeAsync(12_000);
  expect(end.clients).toHaveLength(2);
});

test("a machine that slept is noticed by either clock, and the link is probed before it is trusted", async () => {
  using end = farEnd();
  await end.link.open();
  end.answers(never);
  vi.setSystemTime(Date.now() + anHourMs);
  const command = end.command();
  await vi.advanceTimersByTimeAsync(1_500);
  expect(end.clients).toHaveLength(2);
  end.answers(() => Promise.resolve("# Server"));
  expect(await after(1_500, command)).toMatchObject({ status: "rejected" });
  expect(await after(2_000, end.command())).toMatchObject({ status: "fulfilled" });
});

test.each(["MISCONF Errors writing to the AOF file", "NOREPLICAS Not enough good replicas to write.", "OOM command"])(
  "a Redis that answers %s loses no link: it is UNAVAILABLE for that command alone",
  async (message) => {
    using end = farEnd();
    await end.link.open();
    const lost = vi.fn();
    end.link.onLost(lost);
    end.answers(refusal(message));
    expect(await after(0, end.command())).toMatchObject({ status: "rejected", reason: { code: "UNAVAILABLE" } });
    // Every probe is refused as well.
    await vi.advanceTimersByTimeAsync(20_000);
    expect(lost).not.toHaveBeenCalled();
    expect(end.link.isUp).toBe(true);
    expect(end.clients).toHaveLength(1);
  },
);

test.each(["READONLY You can't write against a read only replica.", "MASTERDOWN Link with MASTER is down"])(
  "a server that answers %s is left for a fresh connection, and trusted when it proves that it is a master",
  async (message) => {
    using end = farEnd();
    await end.link.open();
    const [lost, misplaced, up] = [vi.fn(), vi.fn(), vi.fn()];
    end.link.onLost(lost);
    end.link.onMisplaced(misplaced);
    end.link.onUp(up);
    end.answers(refusal(message));
    expect(await after(0, end.command())).toMatchObject({ status: "rejected", reason: { code: "UNAVAILABLE" } });
    expect(end.link.isUp).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(end.clients).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(60_000);
    // It tries all the time, and less and less often.
    expect(end.clients.length).toBeGreaterThan(25);
    expect(end.clients.length).toBeLessThan(70);
    expect(up).not.toHaveBeenCalled();
    end.answers(() => Promise.resolve("1"));
    await vi.advanceTimersByTimeAsync(2_001);
    expect(end.link.isUp).toBe(true);
    expect([lost, misplaced, up].map(({ mock }) => mock.calls.length)).toEqual([1, 1, 1]);
  },
);

test("a server that is a master when asked, and a replica when written to, is not reconnected to in a hot loop", async () => {
  using end = farEnd();
  await end.link.open();
  for (let waitedMs = 0; waitedMs < 30_000; waitedMs += 10) {
    if (end.link.isUp) {
      end.answers(refusal("READONLY You can't write against a read only replica."));
      await after(0, end.command());
      end.answers(() => Promise.resolve("1"));
    }
    await vi.advanceTimersByTimeAsync(10);
  }
  expect(end.clients.length).toBeGreaterThan(10);
  expect(end.clients.length).toBeLessThan(40);
});

test("all listeners are notified when a connection is up and when it is lost", async () => {
  using end = farEnd();
  const heard: string[] = [];
  for (const name of ["first", "second"]) {
    end.link.onUp(() => heard.push(`${name} up`));
    end.link.onLost(() => heard.push(`${name} lost`));
  }
  await end.link.open();
  end.cut();
  expect(heard).toEqual(["first up", "second up", "first lost", "second lost"]);
});
