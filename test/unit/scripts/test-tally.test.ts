import { describe, expect, it } from 'vitest';
import { failedTests, tallyTests, type TestReport } from '../../../scripts/test-tally.ts';

type TestResult = TestReport['testResults'][number]['assertionResults'][number];

function passed(fullName: string): TestResult {
  return { fullName, status: 'passed', failureMessages: [] };
}

function failed(fullName: string): TestResult {
  return { fullName, status: 'failed', failureMessages: ['Error: expected 1\n    at a line'] };
}

const green: TestReport = {
  numPassedTests: 7,
  numFailedTests: 0,
  testResults: [{ name: 'a.test.ts', status: 'passed', assertionResults: [passed('adds')] }],
};

describe('the tally of a run', () => {
  it('is what the tests say', () => {
    expect(tallyTests(green, 0)).toEqual({ passed: 7, failed: 0 });
    const red = {
      ...green,
      numFailedTests: 2,
      testResults: [
        { name: 'a.test.ts', status: 'failed', assertionResults: [failed('adds'), failed('counts')] },
      ],
    };
    expect(tallyTests(red, 1)).toEqual({ passed: 7, failed: 2 });
  });

  it('counts a file that could not be loaded', () => {
    const testResults = [{ name: 'a.test.ts', status: 'failed', assertionResults: [] }];
    expect(tallyTests({ ...green, testResults }, 1)).toEqual({ passed: 7, failed: 1 });
  });

  it('has no green for a run that failed otherwise', () => {
    expect(tallyTests(green, 1)).toEqual({ passed: 7, failed: 1 });
    expect(tallyTests(null, 2)).toEqual({ passed: 0, failed: 1 });
  });
});

describe('what failed', () => {
  it('is named with why, but without the stack', () => {
    const testResults = [
      { name: 'a.test.ts', status: 'failed', assertionResults: [passed('adds'), failed('counts')] },
      { name: 'b.test.ts', status: 'failed', assertionResults: [] },
    ];
    expect(failedTests({ ...green, testResults })).toEqual([
      'FAILED: a.test.ts > counts: Error: expected 1',
      'FAILED: b.test.ts',
    ]);
  });

  it('says in lines of their own what a process printed, twenty lines at most', () => {
    const printed = Array.from({ length: 30 }, (_, n) => `line ${n}`);
    const failureMessages = [`Error: ended with code 1\n${printed.join('\n')}\n    at a line`];
    const assertionResults = [{ fullName: 'starts', status: 'failed', failureMessages }];
    const testResults = [{ name: 'a.test.ts', status: 'failed', assertionResults }];
    const [said = ''] = failedTests({ ...green, testResults });
    expect(said.split('\n')).toEqual([
      'FAILED: a.test.ts > starts: Error: ended with code 1',
      ...printed.slice(0, 19).map((line) => `  ${line}`),
    ]);
  });

  it('is nothing if all passed, or no test ran', () => {
    expect(failedTests(green)).toEqual([]);
    expect(failedTests(null)).toEqual([]);
  });
});
