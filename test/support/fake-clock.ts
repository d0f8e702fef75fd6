import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const LIBRARIES = "/usr/lib";

/** libfaketime, where Debian and its kin put it: /usr/lib/<machine>/faketime. */
function findLibrary(): string | undefined {
  if (!existsSync(LIBRARIES)) return undefined;
  return readdirSync(LIBRARIES)
    .map((machine) => join(LIBRARIES, machine, "faketime", "libfaketime.so.1"))
    .find((path) => existsSync(path));
}

/** The C library that this process runs on. */
function findLibc(): string | undefined {
  const report: unknown = process.report.getReport();
  const hasObjects = typeof report === "object" && report !== null && "sharedObjects" in report;
  const objects: unknown[] = hasObjects && Array.isArray(report.sharedObjects) ? report.sharedObjects : [];
  return objects.find((path): path is string => typeof path === "string" && /\/libc\.so\.6$/.test(path));
}

const library = findLibrary();
const libc = findLibc();

/** Whether clocks of processes can be set here (apt-get install faketime). */
export const fakeClockInstalled = library !== undefined && libc !== undefined;

/**
 * The wall clock of a process, to be set while it runs. Its timers, which follow the monotonic clock, are left alone.
 * Several processes can share one.
 */
export class FakeClock implements AsyncDisposable {
  readonly #folder: string;
  #offsetMs = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** @throws where libfaketime is not installed */
  static async create(): Promise<FakeClock> {
    if (!fakeClockInstalled) throw new Error("expected libfaketime (apt-get install faketime), found none");
    const clock = new FakeClock(await mkdtemp(join(tmpdir(), "holdfast-clock-")));
    await clock.set(0);
    return clock;
  }

  /** What a process needs in its environment to live by this clock. */
  get env(): Readonly<Record<string, string>> {
    return {
      // libfaketime cannot start where malloc asks for the time, as the jemalloc of redis-server does: with libc named
      // before it, malloc is libc's.
      LD_PRELOAD: `${library}:${libc}`,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    };
  }

  /** How far it is ahead of the true time. */
  get offsetMs(): number {
    return this.#offsetMs;
  }

  /** Sets it to so much ahead of the true time, or behind it where negative. */
  async set(offsetMs: number): Promise<void> {
    this.#offsetMs = offsetMs;
    await writeFile(this.#file, `${offsetMs < 0 ? "-" : "+"}${Math.abs(offsetMs / 1000).toFixed(3)}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  get #file(): string {
    return join(this.#folder, "offset");
  }
}
