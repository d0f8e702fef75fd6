import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type EmulatorSettings,
  type FunctionCompute,
  type PlatformName,
  profiles,
  readServiceFile,
  startFunctionCompute,
} from "../function-compute/index.ts";
import { startRedis } from "../support/redis-server.ts";

const serviceFile = fileURLToPath(new URL("../../s.yaml", import.meta.url));

export interface DeployOnOptions {
  /** Over those of the platform's row; for Function Compute over those of `s.yaml`. */
  readonly settings?: Partial<EmulatorSettings>;
  readonly env?: Readonly<Record<string, string>>;
}

export interface PlatformDeployment extends AsyncDisposable {
  readonly platform: FunctionCompute;
}

/** The built application on an emulated platform, with a Redis of its own. Nothing tells the server where it runs but the platform. */
export async function deployOn(name: PlatformName, options: DeployOnOptions = {}): Promise<PlatformDeployment> {
  const redis = await startRedis();
  const shell = { REDIS_URL: redis.url, AUTH: "anonymous", ALLOWED_ORIGINS: "https://app.example" };
  const file = readServiceFile(serviceFile, shell);
  const onFunctionCompute = name === "function-compute";
  const { FUNCTION_TIMEOUT_SECONDS: _told, ...variables } = file.settings.environmentVariables;
  const [program = "", script = "", ...args] = file.command;
  try {
    const platform = await startFunctionCompute({
      settings: {
        ...(onFunctionCompute ? file.settings : profiles[name].settings),
        platform: name,
        environmentVariables: onFunctionCompute ? variables : { ...shell, NODE_ENV: "" },
        ...options.settings,
      },
      command: [program, resolve(file.workingDirectory, script), ...args],
      workingDirectory: file.workingDirectory,
      env: { HISTORY_MAX_MESSAGES: "100000", ...options.env },
    });
    return {
      platform,
      async [Symbol.asyncDispose]() {
        await platform.close();
        await redis[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await redis[Symbol.asyncDispose]();
    throw error;
  }
}
