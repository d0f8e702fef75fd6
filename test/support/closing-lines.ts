import { writeSync } from "node:fs";
import type { Reporter, SerializedError, TestModule, TestSpecification, TestSuite, Vitest } from "vitest/node";
import { missingPackages } from "./installed.ts";
import { judgeRun } from "./outcome.ts";

/** A reporter that ends the output with the run's counts, and tells what was skipped and why. */
export class ClosingLines implements Reporter {
  #vitest: Vitest | undefined;
  #files = 0;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  onTestRunStart(specifications: readonly TestSpecification[]): void {
    this.#files = specifications.length;
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const { testNamePattern, watch } = this.#vitest?.config ?? {};
    // Where the build fails no file is run, and nothing else of the run's end tells of it.
    const filesNotRun = this.#files - modules.length;
    const { passed, failed, skipped } = countTests(modules);
    const { lines, fails } = judgeRun(
      {
        passed,
        failed: failed + countBrokenParts(modules) + errors.length + filesNotRun,
        skipped,
        isSelection: testNamePattern !== undefined,
      },
      missingPackages(),
    );
    if (fails) process.exitCode = 1;
    const print = () => writeSync(process.stdout.fd, `${lines.join("\n")}\n`);
    // What went wrong outside of tests is printed after this.
    if (watch) print();
    else process.once("exit", print);
  }
}

function countTests(modules: readonly TestModule[]) {
  const states = modules.flatMap((module) => [...module.children.allTests()].map((test) => test.result().state));
  const count = (state: (typeof states)[number]) => states.filter((other) => other === state).length;
  // A test that is still pending at the end was cut off.
  return { passed: count("passed"), failed: count("failed") + count("pending"), skipped: count("skipped") };
}

/** Files that cannot be loaded and suites whose hooks throw: they have no test that would tell. */
function countBrokenParts(modules: readonly TestModule[]): number {
  const parts: (TestModule | TestSuite)[] = modules.flatMap((module) => [module, ...module.children.allSuites()]);
  return parts.filter((part) => part.errors().length > 0).length;
}
