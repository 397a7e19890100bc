import { describe, expect, it } from 'vitest';
import { planRedis, type Machine } from '../../../scripts/redis-plan.ts';

const machine: Machine = { versionText: null, isRoot: false, ci: false, hasApt: true };
const version = (number: string): string =>
  `Redis server v=${number} sha=00000000:0 malloc=jemalloc-5.3.0 bits=64`;

describe('getting a redis-server', () => {
  it.each(['7.0.15', '8.2.1', '10.0.0'])('%s on the PATH is used', (number) => {
    expect(planRedis({ ...machine, versionText: version(number) })).toEqual({
      action: 'use',
      version: number,
    });
  });

  it('an older one is not', () => {
    const plan = planRedis({ ...machine, versionText: version('6.2.14') });
    expect(plan).toMatchObject({ action: 'ask', message: expect.stringContaining('6.2.14') });
  });

  it('root installs it, without questions, saying so', () => {
    const plan = planRedis({ ...machine, isRoot: true });
    expect(plan).toMatchObject({
      action: 'install',
      message: expect.stringContaining('Installing it: apt-get'),
    });
    expect(JSON.stringify(plan)).toContain('apt-get install -y');
    expect(JSON.stringify(plan)).not.toContain('sudo');
  });

  it('CI without root installs it by sudo, which does not ask', () => {
    expect(JSON.stringify(planRedis({ ...machine, ci: true }))).toContain('sudo -n apt-get install -y');
  });

  it('anyone else is told the command', () => {
    const plan = planRedis(machine);
    expect(plan).toMatchObject({
      action: 'ask',
      message: expect.stringMatching(/apt-get install[^]*brew install/),
    });
  });

  it('root without apt is told the command', () => {
    expect(planRedis({ ...machine, isRoot: true, hasApt: false }).action).toBe('ask');
  });
});
