import { expect, test } from "vitest";
import { requestLimits } from "../../../server/src/requests/user-limits.ts";
import { ReadTokens } from "../../../server/src/sockets/read-tokens.ts";
import { TokenBucket } from "../../../server/src/token-bucket.ts";

const pageTokens = 128;

function connection() {
  const clock = { nowMs: 5_000 };
  const nowMs = () => clock.nowMs;
  const requests = new TokenBucket({ ...requestLimits, nowMs });
  return { clock, requests, tokens: new ReadTokens(requests, nowMs) };
}

/** Pages that are read within so many seconds, each as soon as it can be paid for. */
function pagesWithin(seconds: number, { clock, tokens }: ReturnType<typeof connection>, beside = () => {}): number {
  const endMs = clock.nowMs + seconds * 1000;
  let pages = 0;
  while (clock.nowMs < endMs) {
    beside();
    if (tokens.waitMs() === 0) {
      tokens.charge(pageTokens);
      pages += 1;
    } else clock.nowMs += 1;
  }
  return pages;
}

test("a connection that sends as much as it may still reads more than a page each second", () => {
  const one = connection();
  const exhaust = () => {
    while (one.requests.take() === 0) {}
  };
  expect(pagesWithin(10, one, exhaust)).toBeGreaterThan(10);
  exhaust();
  expect(one.requests.take()).toBe(1);
});

test("a request to read takes the tokens of reads where requests have left none", () => {
  const { requests, tokens } = connection();
  while (requests.take() === 0) {}
  expect(tokens.take(10)).toBe(0);
});

test("requests to read are refused where the reads before them would take more than two seconds to pay for", () => {
  const { clock, requests, tokens } = connection();
  while (requests.take() === 0) {}
  let taken = 0;
  while (tokens.take(10) === 0) taken += 1;
  expect(taken).toBe((200 + 2 * 200) / 10);
  clock.nowMs += tokens.take(10);
  while (requests.take() === 0) {}
  expect(tokens.take(10)).toBeGreaterThan(0);
  clock.nowMs += 50;
  expect(tokens.take(10)).toBe(0);
});

test("a connection that does nothing but read gets little more than its requests pay for", () => {
  // A burst of 1,500 above the reserve and 1,000 a second; of its own 200 and 200 a second; and one page of debt each.
  expect(pagesWithin(10, connection())).toBeLessThanOrEqual((1_500 + 10_000 + 200 + 2_000) / pageTokens + 2);
});
