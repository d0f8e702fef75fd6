import * as z from "zod";

// The component `fc3` ignores keys that it does not know and deploys values that the platform then refuses or bends,
// so a typing error costs a broken deployment. This is what we know of its file, as strictly as we know it: keys and
// ranges from the component's source (https://github.com/devsapp/fc3) and the platform's documentation.

const bytes = (text: string) => new TextEncoder().encode(text).length;

const ENVIRONMENT_MAX_BYTES = 4096;

const environmentVariables = z
  .record(
    z
      .string()
      .regex(/^[A-Za-z][A-Za-z0-9_]*$/, { error: "expected a name of letters, digits and _, starting with a letter" })
      .refine((name) => !name.startsWith("FC_"), { error: "FC_ names are the platform's own" }),
    z.string({ error: "expected text: quote it, or use toString() on a var" }),
  )
  .refine(
    (variables) =>
      Object.entries(variables).reduce((sum, [name, value]) => sum + bytes(name) + bytes(value), 0) <=
      ENVIRONMENT_MAX_BYTES,
    { error: `expected at most ${ENVIRONMENT_MAX_BYTES} bytes of names and values together` },
  );

const healthCheckConfig = z.strictObject({
  httpGetUrl: z.string().startsWith("/"),
  initialDelaySeconds: z.int().min(0).max(120),
  periodSeconds: z.int().min(1).max(120),
  timeoutSeconds: z.int().min(1).max(3),
  failureThreshold: z.int().min(1).max(120),
  successThreshold: z.int().min(1).max(120),
});

const httpTrigger = z.strictObject({
  triggerName: z.string().regex(/^[A-Za-z_][A-Za-z0-9_-]{0,127}$/),
  triggerType: z.literal("http"),
  qualifier: z.string().min(1).optional(),
  triggerConfig: z
    .strictObject({
      authType: z.enum(["anonymous", "function", "jwt"]),
      authConfig: z
        .strictObject({
          jwks: z.strictObject({ keys: z.array(z.record(z.string(), z.string())).min(1) }),
          tokenLookup: z.string().min(1),
          claimPassBy: z.string().min(1).optional(),
          whitelist: z.array(z.string().startsWith("/")).min(1).optional(),
        })
        .optional(),
      methods: z
        .array(z.enum(["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"]))
        .min(1)
        .refine((methods) => new Set(methods).size === methods.length, { error: "expected each method once" })
        .refine((methods) => methods.includes("GET"), { error: "a WebSocket needs GET" }),
      disableURLInternet: z.boolean().optional(),
    })
    .refine(({ authType, authConfig }) => (authType === "jwt") === (authConfig !== undefined), {
      error: "authConfig belongs to authType jwt, and jwt needs it",
      path: ["authConfig"],
    }),
});

/** `cpu` in vCPUs, `memorySize` in MB. */
const shared = {
  region: z.string().regex(/^[a-z]{2}(-[a-z0-9]+)+$/),
  functionName: z.string().regex(/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/),
  description: z.string().max(256).optional(),
  // A number in steps, which binary fractions only meet nearly.
  cpu: z
    .number()
    .min(0.05)
    .max(16)
    .refine((cpu) => Math.abs(cpu * 20 - Math.round(cpu * 20)) < 1e-9, { error: "expected steps of 0.05" }),
  memorySize: z.int().min(128).max(32_768).multipleOf(64),
  diskSize: z.literal([512, 10_240]),
  timeout: z.int().min(1).max(86_400),
  instanceConcurrency: z.int().min(1).max(200),
  internetAccess: z.boolean().optional(),
  role: z
    .string()
    .regex(/^acs:ram::\d+:role\/.+$/)
    .optional(),
  instanceLifecycleConfig: z
    .strictObject({
      initializer: z.strictObject({ handler: z.string().min(1), timeout: z.int().min(1).max(300) }).optional(),
      preStop: z.strictObject({ handler: z.string().min(1), timeout: z.int().min(1).max(90) }).optional(),
    })
    .optional(),
  environmentVariables,
  vpcConfig: z.union([
    z.literal("auto"),
    z.strictObject({
      vpcId: z.string().regex(/^vpc-[a-z0-9]+$/),
      vSwitchIds: z.array(z.string().regex(/^vsw-[a-z0-9]+$/)).min(1),
      securityGroupId: z.string().regex(/^sg-[a-z0-9]+$/),
    }),
  ]),
  logConfig: z.union([
    z.literal("auto"),
    z.strictObject({
      project: z.string().min(1),
      logstore: z.string().min(1),
      enableRequestMetrics: z.boolean().optional(),
      enableInstanceMetrics: z.boolean().optional(),
      logBeginRule: z.enum(["DefaultRegex", "None"]).optional(),
    }),
  ]),
  concurrencyConfig: z.strictObject({ reservedConcurrency: z.int().min(0) }).optional(),
  scalingConfig: z.strictObject({ minInstances: z.int().min(0) }).optional(),
  triggers: z.array(httpTrigger).min(1),
};

const port = z.int().min(1).max(65_535);
const command = z.array(z.string().min(1)).min(1);

const customRuntime = z
  .strictObject({
    ...shared,
    runtime: z.enum(["custom", "custom.debian10", "custom.debian11", "custom.debian12"]),
    code: z.string().min(1),
    layers: z.array(z.string().regex(/^acs:fc:[a-z0-9-]+:(official|\d+):layers\/[\w-]+\/versions\/\d+$/)).max(5),
    customRuntimeConfig: z.strictObject({
      command,
      args: z.array(z.string()).optional(),
      port,
      healthCheckConfig: healthCheckConfig.optional(),
    }),
  })
  .refine(({ region, layers }) => layers.every((layer) => layer.startsWith(`acs:fc:${region}:`)), {
    error: "expected layers of the function's own region",
    path: ["layers"],
  });

const customContainer = z.strictObject({
  ...shared,
  runtime: z.literal("custom-container"),
  customContainerConfig: z.strictObject({
    image: z.string().regex(/^[a-z0-9.-]+(:\d+)?\/[a-z0-9./_-]+(:[\w.-]+|@sha256:[0-9a-f]{64})$/, {
      error: "expected an image in a registry, with its tag or digest",
    }),
    entrypoint: command.optional(),
    command: command.optional(),
    port,
    healthCheckConfig: healthCheckConfig.optional(),
  }),
});

const props = z
  .discriminatedUnion("runtime", [customRuntime, customContainer])
  .refine(({ cpu, memorySize }) => cpu <= memorySize / 1024 && memorySize / 1024 <= 4 * cpu, {
    error: "expected 1 to 4 GB of memory for each vCPU",
    path: ["cpu"],
  });

/** A whole resource file with one function, after `s preview` has resolved it. */
export const fc3File = z.strictObject({
  edition: z.literal("3.0.0"),
  name: z.string().min(1),
  access: z.string().min(1),
  vars: z.record(z.string(), z.union([z.string(), z.number()])),
  resources: z.strictObject({
    server: z.strictObject({
      component: z.literal("fc3"),
      actions: z
        .strictObject({ "pre-deploy": z.array(z.strictObject({ run: z.string(), path: z.string() })) })
        .optional(),
      props,
    }),
  }),
});

export type Fc3File = z.infer<typeof fc3File>;
