import { readFileSync } from 'node:fs';
import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { createInstruments } from '../../../src/observability/instruments.ts';

const page = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');

/** A metric of a registry, prom-client's own or one of ours. */
interface Family {
  name: string;
  labelNames: readonly string[];
  get(): Promise<{ type: string }>;
}

it('docs/metrics.md lists every series with its type and labels, and no other', async () => {
  const registry = new Registry();
  createInstruments(registry);
  const families = registry.getMetricsAsArray() as unknown as Family[]; // as they were registered
  const made = await Promise.all(
    families.map(async (family) => {
      const labels = family.labelNames.map((label) => `\`${label}\``).join(', ');
      return `\`${family.name}\` | ${(await family.get()).type} | ${labels}`.trimEnd();
    }),
  );
  const listed = page
    .split('\n')
    .filter((line) => line.startsWith('| `tollgate_'))
    .map((line) =>
      line
        .split('|')
        .slice(1, 4)
        .map((cell) => cell.trim())
        .join(' | ')
        .trimEnd(),
    );
  expect(listed.toSorted()).toEqual(made.toSorted());
});
