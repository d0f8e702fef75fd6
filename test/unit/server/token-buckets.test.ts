import fc from "fast-check";
import { expect, test } from "vitest";
import { TokenBucket } from "../../../server/src/token-bucket.ts";
import { TokenBuckets } from "../../../server/src/token-buckets.ts";

test("each holder has a bucket of its own", () => {
  const buckets = new TokenBuckets({ burst: 2, perSecond: 1, nowMs: () => 0 });
  expect([buckets.take("ann"), buckets.take("ann"), buckets.take("ann"), buckets.take("ben")]).toEqual([0, 0, 1000, 0]);
});

test("a bucket that may be less than full is never forgotten, whoever asks when", () => {
  const steps = fc.array(fc.tuple(fc.nat({ max: 3_000 }), fc.constantFrom("ann", "ben", "eve"), fc.nat({ max: 4 })));
  fc.assert(
    fc.property(steps, (asked) => {
      let nowMs = 0;
      const options = { burst: 4, perSecond: 2, nowMs: () => nowMs };
      const buckets = new TokenBuckets(options);
      const kept = new Map(["ann", "ben", "eve"].map((name) => [name, new TokenBucket(options)]));
      for (const [laterMs, holder, cost] of asked) {
        nowMs += laterMs;
        expect(buckets.take(holder, cost)).toBe(kept.get(holder)?.take(cost));
      }
    }),
  );
});

test("a million holders that come once are not remembered", () => {
  let nowMs = 0;
  const buckets = new TokenBuckets({ burst: 10, perSecond: 10, nowMs: () => nowMs });
  for (let holder = 0; holder < 1_000_000; holder += 1) {
    nowMs += 1;
    buckets.take(String(holder));
  }
  expect(buckets.size).toBeLessThanOrEqual(2_001);
});
