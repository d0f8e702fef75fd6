import type * as z from "zod";

/** Every problem in one sentence each, with the path of the field: `data.text: Too small: expected …`. */
export function describeIssues(root: string, { issues }: z.ZodError): string {
  return issues
    .slice(0, 5)
    .map(({ path, message }) => `${[root, ...path].join(".")}: ${message}`)
    .join("; ");
}
