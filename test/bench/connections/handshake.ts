import { randomBytes } from "node:crypto";
import { cpuMicroseconds } from "../../support/cpu-time.ts";
import { Worker } from "../../support/worker.ts";
import { defineBench, progress } from "../bench.ts";
import { bars } from "../plots.ts";
import type { Figure } from "../report.ts";
import { baseline, holdfast, plain } from "../rig/contestants.ts";
import { type Deployment, deploy } from "../rig/deployment.ts";
import { median } from "../rig/measure.ts";
import type { HandshakeClients } from "./handshake-clients.ts";

const sides = [holdfast, plain];
/** Handshakes under way at a time: enough that the server is never idle. */
const AT_A_TIME = 32;

/** What one round measured, for each connect. */
interface Round {
  readonly serverUs: number;
  readonly redisUs: number;
  readonly connectsPerSecond: number;
}

export const handshake = defineBench<"connects" | "rounds">({
  summary: "connects per second and CPU per connect with a token, beside plain Socket.IO that verifies the same one",
  options: {
    connects: { default: 2_000, meaning: "connects in a round, each of another user with a token of its own" },
    rounds: { default: 5, meaning: "rounds of each side, after one to warm up; the sides take turns" },
  },
  async run({ connects, rounds }) {
    const secret = randomBytes(32).toString("base64url");
    const env = { AUTH: "token", TOKEN_SECRET: secret };
    await using worker = new Worker<HandshakeClients>(new URL("./handshake-clients.ts", import.meta.url));
    await worker.call("sign", { secret, users: connects });
    await using ours = await deploy("holdfast", { instances: 1, env });
    await using plain = await deploy("dynamic", { instances: 1, env });
    const deployments = [ours, plain];
    const measured: Round[][] = sides.map(() => []);
    for (let round = 0; round <= rounds; round += 1) {
      progress(round === 0 ? "warming up" : `round ${round} of ${rounds}`);
      for (const [side, deployment] of deployments.entries()) {
        const result = await connectAll(worker, deployment, connects);
        if (round > 0) measured[side]?.push(result);
      }
    }
    const medians = (pick: (round: Round) => number) => measured.map((side) => median(side.map(pick)));
    const serverUs = medians((round) => round.serverUs);
    const ratio = (serverUs[0] ?? Number.NaN) / (serverUs[1] ?? Number.NaN);
    const names = sides.map(({ name }) => name);
    const cpu: Figure[] = [
      { name: "server CPU per connect", unit: "us", values: serverUs, isCompared: true },
      { name: "Redis CPU per connect", unit: "us", values: medians((round) => round.redisUs), isCompared: true },
    ];
    return {
      columns: names,
      ...baseline(sides),
      figures: [...cpu, { name: "connects per second", unit: "", values: medians((round) => round.connectsPerSecond) }],
      targets: [{ name: "ratio of server CPU per connect", unit: "x", value: ratio, atMost: 1 }],
      failures: [],
      plots: [bars("CPU per connect", names, cpu)],
    };
  },
});

async function connectAll(worker: Worker<HandshakeClients>, deployment: Deployment, connects: number): Promise<Round> {
  const serverUs = cpuMicroseconds(deployment.servers);
  const redisUs = cpuMicroseconds([deployment.redis.process]);
  const wallMs = await worker.call("connect", { url: deployment.server(0).url, atATime: AT_A_TIME });
  const round = {
    serverUs: (cpuMicroseconds(deployment.servers) - serverUs) / connects,
    redisUs: (cpuMicroseconds([deployment.redis.process]) - redisUs) / connects,
    connectsPerSecond: (connects * 1000) / wallMs,
  };
  await worker.call("closeAll", null);
  return round;
}
