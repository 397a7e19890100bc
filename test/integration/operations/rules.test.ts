import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { findPrometheus } from '../../../scripts/find-prometheus.ts';
import { prometheusFolder, ruleFiles, ruleTests } from '../../support/operations.ts';

/* The rules of operations/prometheus, by promtool: their tests are in its folder `tests`. */

const promtool = async (...args: string[]): Promise<string> => {
  const { stdout } = await promisify(execFile)(findPrometheus()?.promtool ?? 'promtool', args, {
    cwd: prometheusFolder,
  });
  return stdout;
};
const alerts = ruleFiles().flatMap((file) =>
  [...readFileSync(file, 'utf8').matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name),
);
const tested = ruleTests()
  .map((file) => readFileSync(file, 'utf8'))
  .join('\n');

describe('the rules', () => {
  it('are in files that promtool takes, none of them twice', async () => {
    const said = await promtool('check', 'rules', '--lint=all', '--lint-fatal', ...ruleFiles());
    expect(said).not.toContain('FAILED');
    expect(new Set(alerts).size).toBe(alerts.length);
  });

  it.each(ruleTests().map((file) => [basename(file), file]))('pass their tests: %s', async (_, file) => {
    expect(await promtool('test', 'rules', file)).toContain('SUCCESS');
  });
});

describe.each(alerts)('%s', (alert) => {
  const [, ...cases] = tested.split(new RegExp(`alertname: ${alert}\\b`));
  const expectations = cases.map((text) => /exp_alerts:\s*(\[\]|-)/.exec(text)?.[1]);

  it('has a test in which it fires, and one in which it does not', () => {
    expect(expectations).toContain('-');
    expect(expectations).toContain('[]');
  });
});
