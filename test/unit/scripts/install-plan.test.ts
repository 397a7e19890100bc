import { describe, expect, it } from 'vitest';
import { planInstall, type Machine } from '../../../scripts/install-plan.ts';

const machine: Machine = { isRoot: false, ci: false, hasApt: true };
const need = {
  problem: 'There is no cat.',
  aptPackage: 'cat',
  otherCommands: ['brew install cat   (macOS)'],
};

describe('getting what the tests need', () => {
  it('root installs it, without questions, saying so', () => {
    const plan = planInstall(need, { ...machine, isRoot: true });
    expect(plan).toMatchObject({
      action: 'install',
      message: expect.stringContaining('There is no cat. Installing it: apt-get'),
    });
    expect(JSON.stringify(plan)).toContain('apt-get install -y -qq --no-install-recommends cat');
    expect(JSON.stringify(plan)).not.toContain('sudo');
  });

  it('CI without root installs it by sudo, which does not ask', () => {
    expect(JSON.stringify(planInstall(need, { ...machine, ci: true }))).toContain(
      'sudo -n apt-get install -y',
    );
  });

  it('anyone else is told the command', () => {
    expect(planInstall(need, machine)).toMatchObject({
      action: 'ask',
      message: expect.stringMatching(/There is no cat[^]*apt-get install cat[^]*brew install cat/),
    });
  });

  it('a package that would run a service is unpacked, not installed, by whoever it is', () => {
    const unpacked = { ...need, unpackInto: 'node_modules/.cache/cat' };
    for (const isRoot of [true, false]) {
      const plan = JSON.stringify(planInstall(unpacked, { ...machine, isRoot }));
      expect(plan).toContain('cd node_modules/.cache/cat && apt-get download -qq cat && dpkg -x cat_*.deb .');
      expect(plan).not.toContain('apt-get install');
    }
  });

  it('root without apt is told the command', () => {
    expect(planInstall(need, { ...machine, isRoot: true, hasApt: false }).action).toBe('ask');
  });
});
