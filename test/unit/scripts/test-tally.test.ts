import { describe, expect, it } from 'vitest';
import { tallyTests, type TestReport } from '../../../scripts/test-tally.ts';

const green: TestReport = {
  numPassedTests: 7,
  numFailedTests: 0,
  testResults: [{ status: 'passed', assertionResults: [{}] }],
};

describe('the tally of a run', () => {
  it('is what the tests say', () => {
    expect(tallyTests(green, 0)).toEqual({ passed: 7, failed: 0 });
    const red = {
      ...green,
      numFailedTests: 2,
      testResults: [{ status: 'failed', assertionResults: [{}, {}] }],
    };
    expect(tallyTests(red, 1)).toEqual({ passed: 7, failed: 2 });
  });

  it('counts a file that could not be loaded', () => {
    const testResults = [{ status: 'failed', assertionResults: [] }];
    expect(tallyTests({ ...green, testResults }, 1)).toEqual({ passed: 7, failed: 1 });
  });

  it('has no green for a run that failed otherwise', () => {
    expect(tallyTests(green, 1)).toEqual({ passed: 7, failed: 1 });
    expect(tallyTests(null, 2)).toEqual({ passed: 0, failed: 1 });
  });
});
