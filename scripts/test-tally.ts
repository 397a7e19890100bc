/** As much of vitest's JSON report as is counted. */
export interface TestReport {
  numPassedTests: number;
  numFailedTests: number;
  testResults: {
    name: string;
    status: string;
    assertionResults: { fullName: string; status: string; failureMessages: string[] | null }[];
  }[];
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

/** What a report repeats of one failure: a process that would not start says why some lines below. */
const maxReasonLines = 20;

/** A line for each test that failed, with why below it, and for each file that could not be loaded. */
export function failedTests(report: TestReport | null): string[] {
  return (report?.testResults ?? []).flatMap(({ name, status, assertionResults }) => {
    if (status === 'failed' && assertionResults.length === 0) return [`FAILED: ${name}`];
    return assertionResults
      .filter((test) => test.status === 'failed')
      .map(({ fullName, failureMessages }) => {
        const why = reasonOf(failureMessages?.[0] ?? '');
        return `FAILED: ${name} > ${fullName}: ${why}`;
      });
  });
}

/** The message, without the stack that follows it. */
function reasonOf(failure: string): string {
  const lines = failure.split('\n');
  const stack = lines.findIndex((line) => /^ +at /.test(line));
  return lines.slice(0, Math.min(stack === -1 ? lines.length : stack, maxReasonLines)).join('\n  ');
}
