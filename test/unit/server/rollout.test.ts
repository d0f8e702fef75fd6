import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Generation,
  type Move,
  outlasts,
  retryAfterMs,
  rolloutMs,
  sendsOn,
} from "../../../server/src/rollout/generations.ts";
import { pick, type Random, seededRandom } from "../../support/random.ts";

/** A client that leaves an instance of build "1", started at 1,000; the first instance that it left went away at 5,000. */
const move: Move = { sinceMs: 5_000, from: { build: "1", startedAtMs: 1_000 }, mayWaitUntilMs: 9_000 };

describe("an instance outlasts the rollout that makes a client move", () => {
  test.each<[boolean, string, Generation]>([
    [true, "where it started after the client's first instance went away", { build: "1", startedAtMs: 5_001 }],
    [true, "the same where nothing names the build", { build: "", startedAtMs: 5_001 }],
    [true, "where it is of another build and younger than the one left", { build: "2", startedAtMs: 1_001 }],
    [false, "but not where it is of the same build and started before", { build: "1", startedAtMs: 4_999 }],
    [false, "nor where it is of another build and older: what is rolled back", { build: "0", startedAtMs: 999 }],
  ])("%s: %s", (expected, _, instance) => {
    expect(outlasts(instance, move)).toBe(expected);
  });
});

describe("a client that moves is sent on", () => {
  const old = { build: "1", startedAtMs: 1_500 };
  const fresh = { build: "2", startedAtMs: 4_000 };

  test.each<[boolean, string, Parameters<typeof sendsOn>]>([
    [true, "from an instance that will go while another lasts", [old, [fresh], move, 6_000]],
    [false, "not from one that lasts itself", [fresh, [{ ...fresh, startedAtMs: 4_500 }], move, 6_000]],
    [false, "not where no instance is known that lasts", [old, [{ ...old, startedAtMs: 2_000 }], move, 6_000]],
    [false, "not where it cannot wait any longer", [old, [fresh], move, 9_000]],
    [
      false,
      "not where the others have lasted so long that their rollout is over",
      [old, [fresh], { ...move, mayWaitUntilMs: Number.POSITIVE_INFINITY }, 4_000 + rolloutMs],
    ],
  ])("%s: %s", (expected, _, what) => {
    expect(sendsOn(...what)).toBe(expected);
  });
});

test("a client that is sent on tries again within a second, sooner the less time it has, and never all at once", () => {
  expect(retryAfterMs(60_000, 1)).toBe(1_000);
  expect(retryAfterMs(2_400, 1)).toBe(200);
  expect(retryAfterMs(5, 1)).toBe(100);
  expect(retryAfterMs(60_000, 0.5)).toBe(500);
});

type Order = "one by one" | "surge" | "all new ones first";

interface Fleet {
  readonly instances: number;
  readonly order: Order;
  readonly isBuildNamed: boolean;
}

/** Replaces every instance under a load balancer that chooses at random; resolves with what each client went through. */
function rollOut({ instances, order, isBuildNamed }: Fleet, random: Random) {
  let nowMs = 1_000_000;
  const start = (build: string): Generation => {
    nowMs += 10;
    return { build: isBuildNamed ? build : "", startedAtMs: nowMs };
  };
  const old = Array.from({ length: instances }, () => start("old"));
  const serving = new Set(old);
  const clients = old.flatMap((at) =>
    Array.from({ length: 5 }, () => ({ at, moves: 0, sinceMs: undefined as number | undefined })),
  );
  nowMs += 2 * rolloutMs;

  /** Where a client that leaves `from` gets a place, after as many attempts as it takes. */
  const placeFor = (leaving: Move): Generation => {
    for (;;) {
      const candidates = [...serving];
      const one = pick(random, candidates);
      if (one === undefined) throw new Error("expected an instance that serves");
      const younger = candidates.filter(({ startedAtMs }) => startedAtMs > one.startedAtMs);
      if (!sendsOn(one, younger, leaving, nowMs)) return one;
    }
  };
  const drain = (from: Generation) => {
    nowMs += 10;
    serving.delete(from);
    for (const client of clients.filter(({ at }) => at === from)) {
      client.sinceMs ??= nowMs;
      client.moves += 1;
      client.at = placeFor({ sinceMs: client.sinceMs, from, mayWaitUntilMs: Number.POSITIVE_INFINITY });
    }
  };

  if (order === "all new ones first") for (const _ of old) serving.add(start("new"));
  for (const from of old) {
    if (order === "surge") serving.add(start("new"));
    drain(from);
    if (order === "one by one") serving.add(start("new"));
  }
  return { clients, serving };
}

test("whatever the order of a rollout, no client moves more than twice, and all end on instances that stay", () => {
  const fleet = fc
    .record({
      instances: fc.integer({ min: 2, max: 9 }),
      order: fc.constantFrom<Order>("one by one", "surge", "all new ones first"),
      isBuildNamed: fc.boolean(),
    })
    // Where all new instances start before the first old one goes, only their build tells them from the old ones.
    .filter(({ order, isBuildNamed }) => isBuildNamed || order !== "all new ones first");
  fc.assert(
    fc.property(fleet, fc.nat(), (what, seed) => {
      const { clients, serving } = rollOut(what, seededRandom(seed));
      for (const { at, moves } of clients) {
        expect(moves).toBeLessThanOrEqual(2);
        expect(serving.has(at)).toBe(true);
      }
    }),
  );
});

test("a client that has to move while instances of its own age alone are there is taken by one of them at once", () => {
  const { clients } = rollOut({ instances: 3, order: "one by one", isBuildNamed: true }, seededRandom(1));
  expect(clients.filter(({ moves }) => moves === 2).length).toBeGreaterThan(0);
});
