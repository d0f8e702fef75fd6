import type { TestProject } from "vitest/node";
import { packBoth } from "./packed.ts";

/** Packs both libraries before the first test that installs them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { [Symbol.asyncDispose]: dispose, ...tarballs } = await packBoth();
  project.provide("tarballs", tarballs);
  return async () => dispose();
}
