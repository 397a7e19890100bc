/** As much of vitest's JSON report as is counted. */
export interface TestReport {
  numPassedTests: number;
  numFailedTests: number;
  testResults: { status: string; assertionResults: unknown[] }[];
}

/**
 * Counts a run truthfully: a file that could not even be loaded has no tests to count as failed, and counts as
 * one; so does a run that failed for another reason, or never came to its tests (`report` null).
 */
export function tallyTests(report: TestReport | null, exitCode: number): { passed: number; failed: number } {
  const broken = (report?.testResults ?? []).filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  );
  const failed = (report?.numFailedTests ?? 0) + broken.length;
  return { passed: report?.numPassedTests ?? 0, failed: exitCode === 0 ? failed : Math.max(failed, 1) };
}
