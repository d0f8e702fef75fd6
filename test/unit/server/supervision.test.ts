import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Effect,
  type Supervision,
  type SupervisionEvent,
  transition,
  unopened,
} from "../../../server/src/redis/supervision.ts";

type Event = SupervisionEvent<string>;

const reason = new Error("read ECONNRESET");

/** Plays events, each at a moment; what came of it, and what had to be done after each. */
function play(steps: readonly (readonly [atMs: number, event: Event | ((now: Supervision<string>) => Event)])[]) {
  let supervision = unopened<string>(0);
  const done = steps.map(([atMs, step]) => {
    const event = typeof step === "function" ? step(supervision) : step;
    const { next, effects } = transition(supervision, event, atMs);
    supervision = next;
    return effects.map((effect) => effect.do);
  });
  return { supervision, done };
}

const found =
  (is: "serving" | "silent" | "misplaced") =>
  ({ turn }: Supervision<string>): Event => ({
    type: "found",
    turn,
    finding: is === "serving" ? { is } : { is, reason },
  });
const up = [
  [0, { type: "started", client: "a" }],
  [0, { type: "ready", client: "a" }],
  [0, found("serving")],
] as const;

test("a connection is trusted when its server has proved that it serves, and not before", () => {
  expect(play(up).done).toEqual([[], ["probe"], ["announce up", "resume"]]);
  expect(play(up.slice(0, 2)).supervision.state.is).toBe("proving");
});

test("what comes from a client that was given up changes nothing", () => {
  const events: Event[] = [
    { type: "ready", client: "a" },
    { type: "failed", client: "a", reason },
    { type: "gave up", client: "a", reason },
  ];
  const { supervision } = play([...up, [1, { type: "left", reason }], [2, { type: "started", client: "b" }]]);
  for (const event of events) expect(transition(supervision, event, 3)).toEqual({ next: supervision, effects: [] });
});

test("the answer to a question of an earlier connection says nothing about the present one", () => {
  const asked = play(up).supervision;
  const { supervision } = play([
    ...up,
    [1, { type: "failed", client: "a", reason }],
    [2, up[1][1]],
    [3, found("serving")],
  ]);
  const late: Event = { type: "found", turn: asked.turn, finding: { is: "silent", reason } };
  expect(transition(supervision, late, 4)).toEqual({ next: supervision, effects: [] });
});

test("that the server is no master is announced once, until a connection has lasted", () => {
  const connected = (client: string, atMs: number) =>
    [
      [atMs, { type: "started", client }],
      [atMs, { type: "ready", client }],
    ] as const;
  const { done, supervision } = play([
    ...up,
    [1, found("misplaced")],
    ...connected("b", 2),
    [2, found("misplaced")],
    ...connected("c", 3),
    [3, found("serving")],
    [20_000, found("misplaced")],
    ...connected("d", 20_001),
    [20_001, found("misplaced")],
  ]);
  expect([done[3], done[6], done[10], done[13]]).toEqual([
    ["rest", "announce loss", "destroy", "announce misplaced"],
    ["rest", "destroy"],
    ["rest", "announce loss", "destroy", "announce misplaced"],
    ["rest", "destroy"],
  ]);
  expect(supervision.misplaced).toBe(2);
});

test("whatever happens, one client at a time is in use, each is destroyed once, and a loss follows an up", () => {
  const type = fc.constantFrom("started", "ready", "failed", "gave up", "found", "left", "tick", "closed");
  const step = fc.record({
    type,
    afterMs: fc.nat(12_000),
    isStale: fc.boolean(),
    finding: fc.constantFrom("serving" as const, "silent" as const, "misplaced" as const),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let supervision = unopened<number>(0);
      let nowMs = 0;
      let started = 0;
      let isUp = false;
      const destroyed: number[] = [];
      for (const { type: kind, afterMs, isStale, finding } of steps) {
        nowMs += afterMs;
        const { state, turn } = supervision;
        const client = isStale || !("client" in state) ? -1 : state.client;
        // A client is started where the one before it was given up.
        if (kind === "started" && state.is !== "idle" && state.is !== "resting") continue;
        const event = {
          started: { type: "started", client: started++ },
          ready: { type: "ready", client },
          failed: { type: "failed", client, reason },
          "gave up": { type: "gave up", client, reason },
          found: {
            type: "found",
            turn: isStale ? turn - 1 : turn,
            finding: finding === "serving" ? { is: finding } : { is: finding, reason },
          },
          left: { type: "left", reason },
          tick: { type: "tick" },
          closed: { type: "closed" },
        }[kind] as SupervisionEvent<number>;
        const { next, effects } = transition(supervision, event, nowMs);
        for (const effect of effects as readonly Effect<number>[]) {
          if (effect.do === "destroy") destroyed.push(effect.client);
          if (effect.do === "announce loss") {
            expect(isUp).toBe(true);
            isUp = false;
          }
          if (effect.do === "announce up") isUp = true;
        }
        const hasGone = "client" in state && !("client" in next.state && next.state.client === state.client);
        if (hasGone) expect(destroyed.at(-1)).toBe(state.client);
        if (next.state.is === "up") expect(isUp).toBe(true);
        supervision = next;
      }
      expect(new Set(destroyed).size).toBe(destroyed.length);
    }),
  );
});
