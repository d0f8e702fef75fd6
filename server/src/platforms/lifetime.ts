/** The header in which Function Compute tells the function's timeout, in seconds. */
export const lifetimeHeader = "x-fc-function-timeout";

/**
 * The lifetime of a connection in milliseconds: what the platform says of this very request, else the setting, else
 * none. Elsewhere than on the platform anybody could have written the header, and `header` has to be undefined.
 */
export function lifetimeMs(
  header: string | string[] | undefined,
  settingSeconds: number | undefined,
): number | undefined {
  const seconds = typeof header === "string" && /^\d+(\.\d+)?$/.test(header) ? Number(header) : 0;
  const known = seconds > 0 && seconds <= 86_400 ? seconds : settingSeconds;
  return known === undefined ? undefined : known * 1000;
}
