import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inject } from "vitest";
import type { Tarballs } from "./packed.ts";

/** The two packages, and a folder of its own for whatever a test installs or writes. */
export interface Packed extends Tarballs, AsyncDisposable {
  readonly folder: string;
}

declare module "vitest" {
  interface ProvidedContext {
    readonly tarballs: Tarballs;
  }
}

/** An empty folder beside the packages that were packed before the first test. */
export async function besidePacked(): Promise<Packed> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-stranger-"));
  return {
    ...inject("tarballs"),
    folder,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
