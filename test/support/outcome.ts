/** What a run of tests came to. */
export interface Outcome {
  readonly passed: number;
  /** Tests, and besides them files, hooks and errors outside of tests that failed. */
  readonly failed: number;
  readonly skipped: number;
  /** Whether a test's name was asked for, so that all others are skipped on purpose. */
  readonly isSelection: boolean;
}

/** What stands at the end of a run, and whether the run fails for a reason that is no test's. */
export interface Verdict {
  /** The last of them counts: `N passed, N failed`, and `, N skipped` where there are any. */
  readonly lines: readonly string[];
  readonly fails: boolean;
}

/**
 * Judges a run. A skipped test on a machine that lacks something is told, with what to install. On a machine that has
 * everything no test has a reason to be skipped, and one that is fails the run: a condition that is never true would
 * take a test away without anybody noticing.
 */
export function judgeRun({ passed, failed, skipped, isSelection }: Outcome, missing: readonly string[]): Verdict {
  const counts = `${passed} passed, ${failed} failed${skipped === 0 ? "" : `, ${skipped} skipped`}`;
  if (skipped === 0 || isSelection) return { lines: [counts], fails: false };
  const tests = skipped === 1 ? "1 test was skipped" : `${skipped} tests were skipped`;
  if (missing.length === 0) {
    return {
      lines: [`${tests} although everything that tests need is installed: that is a failure.`, counts],
      fails: true,
    };
  }
  return {
    lines: [`${tests}. To run all, install ${missing.join(" and ")} (on Debian, .ci/run does).`, counts],
    fails: false,
  };
}
