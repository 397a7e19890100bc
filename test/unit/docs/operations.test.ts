import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { dashboard, dashboardNames, ruleFiles } from '../../support/operations.ts';

/* operations/ beside what docs/ says of it. */

const page = (name: string): string =>
  readFileSync(new URL(`../../../docs/${name}.md`, import.meta.url), 'utf8');
const rules = ruleFiles()
  .map((file) => readFileSync(file, 'utf8'))
  .join('\n');

describe('the rules and the dashboards', () => {
  it('name only series of docs/metrics.md', () => {
    const queries = dashboardNames.flatMap((name) =>
      dashboard(name).panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
    );
    const used = [rules, ...queries]
      .flatMap((text) => text.match(/(?<![\w:])(?:tollgate|nodejs|process)_\w+/g) ?? [])
      .map((name) => name.replace(/_(?:bucket|sum|count)$/, ''));
    const listed = new Set([...page('metrics').matchAll(/^\| `(\w+)`/gm)].map(([, name = '']) => name));
    expect(new Set(used).size).toBeGreaterThan(30);
    expect([...new Set(used)].filter((name) => !listed.has(name))).toEqual([]);
  });
});

describe('the alerts', () => {
  const [, ...parts] = rules.split('- alert: ');
  const alerts = parts.map((text) => ({
    name: /^\w+/.exec(text)?.[0] ?? '',
    severity: /severity: (\w+)/.exec(text)?.[1],
    runbook: /runbook: (\S+)/.exec(text)?.[1],
  }));
  const sections = page('operations')
    .split(/^#+ /m)
    .map((text) => ({
      anchor: (text.split('\n', 1)[0] ?? '').toLowerCase().replaceAll(' ', '-'),
      rows: [...text.matchAll(/^\| `(Tollgate\w+)` \| (\w+) \|/gm)].map(
        ([, name, severity]) => `${name} ${severity}`,
      ),
    }));

  it('each have a row in docs/operations.md, in the section that they point to, and no other has', () => {
    const pointed = alerts.map(({ name, severity, runbook }) => `${runbook} ${name} ${severity}`);
    const told = sections.flatMap(({ anchor, rows }) =>
      rows.map((row) => `docs/operations.md#${anchor} ${row}`),
    );
    expect(told.toSorted()).toEqual(pointed.toSorted());
  });
});

describe.each(dashboardNames)('the dashboard %s', (name) => {
  const { panels } = dashboard(name);

  it('says of each panel what it shows', () => {
    const bare = panels.filter(({ type, description }) => type !== 'row' && !description);
    expect(bare.map(({ title }) => title)).toEqual([]);
  });

  it('has no panels over each other', () => {
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(Math.max(...panels.map(({ gridPos: { x, w } }) => x + w))).toBe(24);
  });
});
