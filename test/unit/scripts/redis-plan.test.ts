import { describe, expect, it } from 'vitest';
import type { Machine } from '../../../scripts/install-plan.ts';
import { planRedis } from '../../../scripts/redis-plan.ts';

const machine: Machine = { isRoot: false, ci: false, hasApt: true };
const version = (number: string): string =>
  `Redis server v=${number} sha=00000000:0 malloc=jemalloc-5.3.0 bits=64`;

describe('getting a redis-server', () => {
  it.each(['7.0.15', '8.2.1', '10.0.0'])('%s on the PATH is used', (number) => {
    expect(planRedis(version(number), machine)).toEqual({ action: 'use', found: `redis-server ${number}` });
  });

  it('an older one is not', () => {
    const plan = planRedis(version('6.2.14'), machine);
    expect(plan).toMatchObject({ action: 'ask', message: expect.stringContaining('6.2.14') });
  });

  it('root installs it', () => {
    const plan = planRedis(null, { ...machine, isRoot: true });
    expect(plan).toMatchObject({
      action: 'install',
      message: expect.stringMatching(/none on the PATH\. Installing it: apt-get[^]* redis-server$/),
    });
  });

  it('anyone else is told the command', () => {
    const plan = planRedis(null, machine);
    expect(plan).toMatchObject({
      action: 'ask',
      message: expect.stringMatching(/apt-get install redis-server[^]*brew install redis/),
    });
  });
});
