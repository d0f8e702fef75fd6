type Environment = Readonly<Record<string, string | undefined>>;

/**
 * True for a process on Function Compute. It is in production whatever NODE_ENV says, so that a forgotten variable cannot
 * open a deployed function to everybody.
 */
export function isOnFunctionCompute(env: Environment): boolean {
  return Boolean(env.FC_FUNCTION_NAME);
}

/** What the platform calls this instance, in its own logs; undefined elsewhere. */
export function platformInstance(env: Environment): string | undefined {
  return env.FC_INSTANCE_ID;
}
