import { existsSync, readFileSync } from 'node:fs';
import { failedTests, tallyTests, type TestReport } from './test-tally.ts';

/*
 * `print-tally.ts <vitest's JSON report> <exit code of npm test>`: the last lines of .ci/run. Failures are named again,
 * because often only the end of a log is read.
 */

const [file = '', exitCode = '1'] = process.argv.slice(2);
const report = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as TestReport) : null;
if (report === null) console.log('The run ended before its tests.');
for (const line of failedTests(report)) console.log(line);
const { passed, failed } = tallyTests(report, Number(exitCode));
console.log(`${passed} passed, ${failed} failed`);
