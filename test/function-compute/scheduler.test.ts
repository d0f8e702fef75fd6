import { expect, test } from "vitest";
import { type Candidate, schedule } from "./scheduler.ts";

const limits = { instanceConcurrency: 2, maxInstances: 3, reservedConcurrency: null };
const idle: Candidate = { id: "a", state: "running", inFlight: 0, healthy: true };

function statusOf(...args: Parameters<typeof schedule>): number | null {
  const decision = schedule(...args);
  return decision.kind === "refuse" ? decision.refusal.status : null;
}

test("every instance with room is chosen equally often, whoever asks", () => {
  const candidates: Candidate[] = [idle, { ...idle, id: "b", state: "frozen" }, { ...idle, id: "c", inFlight: 1 }];
  const chosen = [0, 0.34, 0.67, 0.99].map((random) => schedule(candidates, limits, 1, random));
  expect(chosen.map((decision) => (decision.kind === "use" ? decision.id : null))).toEqual(["a", "b", "c", "c"]);
});

test("a full instance takes nothing more, and a new one is started", () => {
  expect(schedule([{ ...idle, inFlight: 2 }], limits, 2, 0)).toEqual({ kind: "start" });
});

test("a request waits for an instance that is starting rather than starting one more", () => {
  const starting: Candidate = { ...idle, id: "b", state: "starting", inFlight: 1 };
  expect(schedule([{ ...idle, inFlight: 2 }, starting], limits, 3, 0)).toEqual({ kind: "use", id: "b" });
});

test("an instance that is up is preferred to one that is starting", () => {
  const candidates: Candidate[] = [{ ...idle, id: "b", state: "starting" }, idle];
  expect(schedule(candidates, limits, 0, 0)).toEqual({ kind: "use", id: "a" });
});

test("with all instances full the answer is 429", () => {
  const full = ["a", "b", "c"].map((id) => ({ ...idle, id, inFlight: 2 }));
  expect(statusOf(full, limits, 6, 0)).toBe(429);
});

test("over the reserved concurrency the answer is 429, room or not", () => {
  expect(statusOf([idle], { ...limits, reservedConcurrency: 4 }, 4, 0)).toBe(429);
  expect(statusOf([idle], { ...limits, reservedConcurrency: 4 }, 3, 0)).toBeNull();
});

test("an unhealthy instance is passed over", () => {
  const sick: Candidate = { ...idle, healthy: false };
  expect(schedule([sick, { ...idle, id: "b" }], limits, 0, 0)).toEqual({ kind: "use", id: "b" });
  expect(schedule([sick], limits, 0, 0)).toEqual({ kind: "start" });
});

test("with nothing but unhealthy instances and no room for another the answer is 503", () => {
  const sick = ["a", "b", "c"].map((id) => ({ ...idle, id, healthy: false }));
  expect(statusOf(sick, limits, 0, 0)).toBe(503);
});
