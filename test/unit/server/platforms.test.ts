import { expect, test } from "vitest";
import {
  deadlineMs,
  describeSurroundings,
  drainTooLong,
  platformBuild,
  platformInstance,
  requestId,
  surroundingsOf,
} from "../../../server/src/platforms/surroundings.ts";
import { type PlatformName, platforms, platformVariables } from "../../../server/src/platforms/table.ts";

type Environment = Readonly<Record<string, string>>;

/** What proves each platform. */
const proofs = {
  "function-compute": { FC_FUNCTION_NAME: "rooms" },
  functiongraph: { RUNTIME_FUNC_NAME: "rooms" },
  scf: { TENCENTCLOUD_RUNENV: "SCF" },
  vercel: { VERCEL: "1" },
  "cloud-run": { K_SERVICE: "rooms" },
  kubernetes: { KUBERNETES_SERVICE_HOST: "10.0.0.1" },
  heroku: { DYNO: "web.1" },
  fly: { FLY_APP_NAME: "rooms" },
  none: {},
} satisfies Record<PlatformName, Environment>;

const names = Object.keys(proofs) as PlatformName[];

/** The headers of all platforms at once, as a stranger would forge them. */
const headers = { "x-fc-function-timeout": "20", "x-cff-timeout": "30", "x-scf-timeout": "40000" };

/** Lifetime in seconds with the headers, without any, and with FUNCTION_TIMEOUT_SECONDS=60 and no header; then what stops it. */
const truth: [
  PlatformName,
  { told: number | null; silent: number | null; set: number; stop: string | undefined; drain: number },
][] = [
  ["function-compute", { told: 20, silent: null, set: 60, stop: "GET /pre-stop", drain: 10 }],
  ["functiongraph", { told: 30, silent: null, set: 60, stop: undefined, drain: 10 }],
  ["scf", { told: 40, silent: null, set: 60, stop: undefined, drain: 10 }],
  ["vercel", { told: 300, silent: 300, set: 60, stop: undefined, drain: 10 }],
  ["cloud-run", { told: 300, silent: 300, set: 60, stop: "SIGTERM", drain: 4 }],
  ["kubernetes", { told: null, silent: null, set: 60, stop: "SIGTERM", drain: 20 }],
  ["heroku", { told: null, silent: null, set: 60, stop: "SIGTERM", drain: 20 }],
  ["fly", { told: null, silent: null, set: 60, stop: "SIGINT", drain: 2 }],
  ["none", { told: null, silent: null, set: 60, stop: "SIGTERM", drain: 10 }],
];

const openedAtMs = 1_000_000;
function secondsLeft(env: Environment, said: Readonly<Record<string, string>>, settingSeconds?: number): number | null {
  const deadline = deadlineMs(surroundingsOf(env, settingSeconds), said, openedAtMs);
  return deadline === undefined ? null : (deadline - openedAtMs) / 1000;
}

test.each(truth)("the row of %s says when a connection ends and what stops the process", (name, row) => {
  const env: Environment = proofs[name];
  const { platform } = surroundingsOf(env, undefined);
  expect({
    told: secondsLeft(env, headers),
    silent: secondsLeft(env, {}),
    set: secondsLeft(env, {}, 60),
    stop: platform.stop,
    drain: platform.drainSeconds,
  }).toEqual(row);
});

test("every platform of the table has its row here, and all variables that prove one are read", () => {
  expect(truth.map(([name]) => name)).toEqual(Object.keys(platforms));
  expect(platformVariables).toEqual(
    expect.arrayContaining(Object.values(proofs).flatMap((proof) => Object.keys(proof))),
  );
});

test.each(names)("on %s no header of another platform is believed", (name) => {
  const env: Environment = proofs[name];
  const { platform } = surroundingsOf(env, undefined);
  const own = platform.lifetime?.header?.name;
  const others = Object.fromEntries(Object.entries(headers).filter(([header]) => header !== own));
  expect(secondsLeft(env, others, 60)).toBe(60);
});

test.each([
  ["20", 20],
  ["86400", 86_400],
  ["0.5", 0.5],
  ["86401", 60],
  ["0", 60],
  ["-5", 60],
  ["1e9", 60],
  ["soon", 60],
  ["20, 30", 60],
  ["", 60],
])("a platform that says %j lets a connection live for %s s", (value, expected) => {
  expect(secondsLeft(proofs["function-compute"], { "x-fc-function-timeout": value }, 60)).toBe(expected);
});

test("a platform's own variable counts more than the setting, and neither is longer than the platform allows", () => {
  const told = { ...proofs["cloud-run"], CLOUD_RUN_TIMEOUT_SECONDS: "900" };
  expect(secondsLeft(told, {}, 60)).toBe(900);
  expect(secondsLeft({ ...told, CLOUD_RUN_TIMEOUT_SECONDS: "soon" }, {}, 60)).toBe(60);
  expect(secondsLeft({ CLOUD_RUN_TIMEOUT_SECONDS: "900" }, {})).toBe(null);
  expect(secondsLeft(proofs["cloud-run"], {}, 259_200)).toBe(3_600);
  expect(secondsLeft(proofs.functiongraph, {}, 259_200)).toBe(259_200);
});

test("an empty proof, or another value than the platform's, proves nothing", () => {
  expect(surroundingsOf({ FC_FUNCTION_NAME: "", TENCENTCLOUD_RUNENV: "CVM" }, undefined).name).toBe("none");
});

test("the start says which platform it is and how long connections live", () => {
  const line = (env: Environment, seconds?: number) => describeSurroundings(surroundingsOf(env, seconds));
  expect(line(proofs["function-compute"], 3600)).toBe("Function Compute, connections live 3,600 s");
  expect(line(proofs["function-compute"])).toBe(
    "Function Compute, connections live as long as x-fc-function-timeout says",
  );
  expect(line(proofs.heroku)).toBe("Heroku, connections live as long as this process");
  expect(line({})).toBe("No platform that is known, connections live as long as this process");
});

test.each(names)("the drain of %s leaves time to close before the platform's patience is over", (name) => {
  const surroundings = surroundingsOf(proofs[name], undefined);
  const { graceSeconds, drainSeconds } = surroundings.platform;
  expect(drainTooLong(surroundings, drainSeconds)).toBeUndefined();
  if (graceSeconds !== undefined)
    expect(drainTooLong(surroundings, graceSeconds)).toContain(`At most ${graceSeconds - 2}`);
});

test.each([
  ["function-compute", undefined],
  ["functiongraph", "RUNTIME_FUNC_VERSION"],
  ["scf", "SCF_FUNCTIONVERSION"],
  ["vercel", "VERCEL_DEPLOYMENT_ID"],
  ["cloud-run", "K_REVISION"],
  ["kubernetes", undefined],
  ["heroku", "HEROKU_RELEASE_VERSION"],
  ["fly", "FLY_IMAGE_REF"],
  ["none", undefined],
] as const)("on %s the build is what the platform says in %s alone", (name, variable) => {
  const everything = Object.fromEntries(platformVariables.map((one) => [one, `value of ${one}`]));
  const surroundings = surroundingsOf(proofs[name], undefined);
  expect(platformBuild(surroundings, everything)).toBe(variable && `value of ${variable}`);
  if (variable !== undefined) expect(platformVariables).toContain(variable);
});

test("the platform's names of a request and of an instance are taken from the platform alone", () => {
  const said = { "x-fc-request-id": "1-2-3", "fly-request-id": "forged" };
  expect(requestId(surroundingsOf(proofs["function-compute"], undefined), said)).toBe("1-2-3");
  expect(requestId(surroundingsOf({}, undefined), said)).toBeUndefined();
  expect(platformInstance({ ...proofs["function-compute"], FC_INSTANCE_ID: "c-1" })).toBe("c-1");
  expect(platformInstance({ FC_INSTANCE_ID: "c-1" })).toBeUndefined();
});
