import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { uniqueRoom } from "../support/unique.ts";
import { readServiceFile, resolvePlaceholders } from "./service-file.ts";

const deployed = fileURLToPath(new URL("../../s.yaml", import.meta.url));

function fileWith(props: string): string {
  const path = join(tmpdir(), `${uniqueRoom("service-file")}.yaml`);
  writeFileSync(path, `vars: { timeout: 60 }\nresources:\n  one:\n    component: fc3\n    props:\n${props}`);
  return path;
}

const minimal = "      region: cn-hangzhou\n      functionName: f\n      cpu: 0.5\n      memorySize: 512\n";

test("the emulator runs with the settings of the s.yaml that is deployed", () => {
  const { settings, command, workingDirectory } = readServiceFile(deployed, { REDIS_URL: "redis://r:6379" });
  expect(settings).toMatchObject({
    functionName: "holdfast",
    timeoutSeconds: 3600,
    instanceConcurrency: 100,
    trigger: { authType: "anonymous", methods: ["GET", "POST"] },
    environmentVariables: { REDIS_URL: "redis://r:6379", FUNCTION_TIMEOUT_SECONDS: "3600" },
  });
  expect(settings.healthCheck?.httpGetUrl).toBe("/healthz");
  expect(settings.initializer).not.toBeNull();
  expect(settings.preStop).not.toBeNull();
  expect(command).toEqual(["node", "main.mjs"]);
  expect(workingDirectory).toBe(fileURLToPath(new URL("../../app/dist", import.meta.url)));
});

test("what only the platform needs may stay unresolved", () => {
  const path = fileWith(`${minimal}      vpcConfig: { vpcId: "\${env('VPC_ID')}" }\n`);
  expect(readServiceFile(path, {}).settings.functionName).toBe("f");
});

test("a variable of the file can be replaced", () => {
  const path = fileWith(`${minimal}      timeout: \${vars.timeout}\n`);
  expect(readServiceFile(path, {}).settings.timeoutSeconds).toBe(60);
  expect(readServiceFile(path, {}, { timeout: 20 }).settings.timeoutSeconds).toBe(20);
});

test("by default the timeout is 3 s and the concurrency 1", () => {
  expect(readServiceFile(fileWith(minimal), {}).settings).toMatchObject({ timeoutSeconds: 3, instanceConcurrency: 1 });
});

test("values out of the platform's ranges are refused", () => {
  for (const wrong of ["timeout: 0", "timeout: 86401", "instanceConcurrency: 201", "timeout: 1.5"]) {
    expect(() => readServiceFile(fileWith(`${minimal}      ${wrong}\n`), {}), wrong).toThrow();
  }
});

test("placeholders take the environment, their default or a variable, alone or inside a text", () => {
  const vars = { one: 1, nested: { region: `\${env('REGION', 'cn-hangzhou')}` } };
  const tree = {
    set: `\${env('SET')}`,
    fallback: `\${env('UNSET', 'default')}`,
    empty: `\${env('UNSET', '')}`,
    number: `\${vars.one}`,
    text: `\${vars.one.toString()}`,
    inside: `acs:\${vars.nested.region}:\${env('SET')}`,
  };
  expect(resolvePlaceholders(tree, vars, { SET: "x" })).toEqual({
    set: "x",
    fallback: "default",
    empty: "",
    number: 1,
    text: "1",
    inside: "acs:cn-hangzhou:x",
  });
});

test("everything that cannot be resolved is named at once", () => {
  const tree = [`\${env('MISSING')}`, `\${vars.none}`, `\${env.NAME}`];
  const resolve = () => resolvePlaceholders(tree, {}, { NAME: "not this way" });
  expect(resolve).toThrow(/MISSING.*vars\.none.*env\.NAME/s);
});
