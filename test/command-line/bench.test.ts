import { afterAll, beforeAll, expect, test } from "vitest";
import type { Report } from "../../client/src/cli/bench/report.ts";
import { type Rig, startRig } from "../support/client-rig.ts";
import { commandLine, holdfast } from "../support/command-line.ts";
import { startServer } from "../support/server-process.ts";
import { uniquePrefix } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

// `holdfast bench` against servers as they are deployed. Times are measured, not asserted.

let rig: Rig;
let url: string;
beforeAll(async () => {
  rig = await startRig();
  url = rig.servers[0]?.url ?? "";
});
afterAll(() => rig[Symbol.asyncDispose]());

const nothingWrong = { isWell: true, lost: 0, repeated: 0, disordered: 0, gaps: 0, unanswered: 0, refused: {} };

async function bench(...argv: string[]) {
  const { code, line, notes } = await holdfast(["bench", ...argv, "--json"]);
  const [report] = line.json<Report>();
  if (report === undefined) throw new Error(`expected a report, got ${notes}`);
  return { code, report, line };
}

test("what is published reaches every client once, through a cut that the bench makes itself", async () => {
  const { code, report, line } = await bench(url, "--clients", "4", "--rate", "40", "--seconds", "3");
  expect(report).toMatchObject({ ...nothingWrong, clients: 4, moves: { planned: 0, cut: 1 } });
  expect(report.published).toBeGreaterThan(80);
  expect(report.stored).toBe(report.published);
  expect(report.delivered).toBe(4 * report.published);
  expect(report.moves.longestSilenceMs).toBeGreaterThan(0);
  for (const times of [report.connectMs, report.ackMs, report.deliverMs]) {
    const { p50 = 0, p95 = 0, p99 = 0, max = 0 } = times ?? {};
    expect(p50).toBeGreaterThan(0);
    expect([p50, p95, p99, max]).toEqual([p50, p95, p99, max].sort((a, b) => a - b));
  }
  expect(code).toBe(0);
  expect(line.shownProgress).toContainEqual(expect.stringMatching(/of 3 s: \d+ published, \d+ stored, \d+ delivered/));
  expect(line.shownProgress.at(-1), "the line of progress is taken away").toBe("");
});

test("a move that the server announces is counted in place of a cut", async () => {
  const env = { REDIS_URL: rig.redis.url, KEY_PREFIX: uniquePrefix(), FUNCTION_TIMEOUT_SECONDS: "8" };
  await using server = await startServer({ env });
  const { code, report } = await bench(server.url, "--clients", "2", "--seconds", "15");
  expect(report).toMatchObject({ ...nothingWrong, moves: { cut: 0 } });
  expect(report.moves.planned).toBeGreaterThanOrEqual(2);
  expect(code).toBe(0);
}, 60_000);

test("each run has a room of its own", async () => {
  const { report: first } = await bench(url, "--clients", "1", "--seconds", "1");
  const { report: second } = await bench(url, "--clients", "1", "--seconds", "1");
  expect(first.room).toMatch(/^bench-\w{20,}$/);
  expect(second.room).not.toBe(first.room);
});

test("what is not answered makes it fail, and is counted", async () => {
  const env = { REDIS_URL: rig.redis.url, KEY_PREFIX: uniquePrefix(), PUBLISHES_PER_SECOND: "1" };
  await using server = await startServer({ env });
  const load = ["--clients", "1", "--rate", "40", "--seconds", "1", "--wait", "1"];
  const { code, report } = await bench(server.url, ...load);
  expect(report.stored).toBeLessThan(report.published);
  expect(report.unanswered).toBe(report.published - report.stored);
  expect(code).toBe(1);
});

test("an event that the contract lacks is refused at once, with the options that name another", async () => {
  const refused = await holdfast(["bench", url, "--event", "poll:vote"]);
  expect(refused).toMatchObject({ code: 1, notes: expect.stringMatching(/^UNKNOWN_EVENT: .*\n.*--event and --data/) });
  expect(await holdfast(["bench", "http://127.0.0.1:1"])).toMatchObject({ code: 3 });
});

test("Ctrl-C ends it early, with a report of what there was", async () => {
  const line = commandLine();
  const ended = line.run("bench", url, "--clients", "2", "--seconds", "600");
  await waitFor(() => line.shownProgress.some((text) => text.includes("published")), "the load");
  line.interrupt();
  expect(await ended).toBe(0);
  expect(line.printed.join("\n")).toMatch(/p50 +p95 +p99 +max\n.*publish to stored +\d+\.\d ms/s);
});
