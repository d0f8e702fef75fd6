import { pino } from "pino";
import { expect, test } from "vitest";
import { trustedCaller } from "../../../server/src/requests/caller.ts";
import { type DispatchOptions, dispatch } from "../../../server/src/sockets/dispatch.ts";
import { TokenBucket } from "../../../server/src/token-bucket.ts";

const none = () => undefined;

/** A connection that may send so many requests, in a time that stands still. */
function connection(burst: number) {
  const handled: unknown[] = [];
  const options: DispatchOptions = {
    requests: {
      carryOut: () => Promise.reject(new Error("expected an event")),
      carryOutEvent: (_caller, event) => {
        handled.push(event);
        return {};
      },
    },
    caller: trustedCaller(),
    limiter: new TokenBucket({ burst, perSecond: 1_000, nowMs: () => 0 }),
    readTokens: { take: () => 0, charge: none },
    pace: { note: none },
    outgoing: {
      measure: (write) => {
        write();
        return 0;
      },
    },
    telemetry: { refused: none },
    logger: pino({ level: "silent" }),
  };
  const send = async (text: string) => {
    let answer: unknown;
    await dispatch(options, "message:publish", [{ data: { text } }, (given: unknown) => (answer = given)]);
    return answer;
  };
  return { handled, send };
}

test("a request of 60 kB costs more of the connection's limit than an empty one", async () => {
  const small = connection(30);
  for (let sent = 0; sent < 30; sent += 1) expect(await small.send("")).toMatchObject({ ok: true });
  expect(await small.send("")).toMatchObject({ error: { code: "RATE_LIMITED", retryAfterMs: 1 } });

  const large = connection(30);
  const text = "x".repeat(60_000);
  expect(await large.send(text)).toMatchObject({ ok: true });
  // 15 tokens each, and 30 in all; the time that is told pays for the whole request.
  expect(await large.send(text)).toMatchObject({ ok: true });
  expect(await large.send(text)).toMatchObject({ error: { code: "RATE_LIMITED", retryAfterMs: 15 } });
  expect(large.handled).toHaveLength(2);
});
