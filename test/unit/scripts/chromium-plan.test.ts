import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { planChromium } from '../../../scripts/chromium-plan.ts';
import { findChromium } from '../../../scripts/find-chromium.ts';
import type { Machine } from '../../../scripts/install-plan.ts';

const machine: Machine = { isRoot: false, ci: false, hasApt: true };
const root: Machine = { ...machine, isRoot: true };

describe('getting a Chromium', () => {
  it('one that runs is used', () => {
    const found = { path: '/opt/chromium', version: '142.0.7444.59' };
    const used = { action: 'use', found: 'Chromium 142.0.7444.59' };
    expect(planChromium({ namedPath: undefined, found }, root)).toEqual(used);
    expect(planChromium({ namedPath: found.path, found }, root)).toEqual(used);
  });

  it('root installs it', () => {
    expect(planChromium({ namedPath: undefined, found: null }, root)).toMatchObject({
      action: 'install',
      message: expect.stringMatching(/Installing it: apt-get[^]* chromium-headless-shell$/),
    });
  });

  it('anyone else is told the command', () => {
    expect(planChromium({ namedPath: '', found: null }, machine)).toMatchObject({
      action: 'ask',
      message: expect.stringMatching(/apt-get install chromium-headless-shell[^]*CHROMIUM_PATH=/),
    });
  });

  it('none is installed where CHROMIUM_PATH names another', () => {
    expect(planChromium({ namedPath: '/opt/none', found: null }, root)).toEqual({
      action: 'ask',
      message: 'CHROMIUM_PATH is /opt/none, and no Chromium runs there.',
    });
  });
});

describe('looking for a Chromium', () => {
  let folders: string[];

  beforeEach(() => {
    folders = ['first', 'second'].map((name) => mkdtempSync(join(tmpdir(), `tollgate-${name}-`)));
  });
  afterEach(() => {
    for (const folder of folders) rmSync(folder, { recursive: true });
  });

  const executable = (folder: 0 | 1, name: string, script: string): string => {
    const path = join(folders[folder] ?? '', name);
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
    return path;
  };
  const pathOf = (): string => folders.join(delimiter);

  it('finds the first on the PATH that runs, Chromium before Chrome', () => {
    executable(0, 'google-chrome', 'echo Google Chrome 143.0.1.2');
    executable(0, 'chromium', 'echo install the snap; exit 1');
    const path = executable(1, 'chromium', 'echo Chromium 142.0.7444.59 built on Debian 12');
    expect(findChromium({ PATH: pathOf() })).toEqual({ path, version: '142.0.7444.59' });
  });

  it('finds the headless shell before a whole Chromium', () => {
    executable(0, 'chromium', 'echo Chromium 142.0.7444.59');
    const path = executable(1, 'chromium-headless-shell', 'echo Chromium 142.0.7444.59');
    expect(findChromium({ PATH: pathOf() })?.path).toBe(path);
  });

  it('finds none where there is none', () => {
    expect(findChromium({ PATH: pathOf() })).toBeNull();
    expect(findChromium({})).toBeNull();
  });

  it('takes the one CHROMIUM_PATH names, and no other', () => {
    executable(0, 'chromium', 'echo Chromium 142.0.7444.59');
    const named = executable(1, 'my-browser', 'echo Chromium 150.0.1.1');
    expect(findChromium({ PATH: pathOf(), CHROMIUM_PATH: named })?.version).toBe('150.0.1.1');
    expect(findChromium({ PATH: pathOf(), CHROMIUM_PATH: `${named}-missing` })).toBeNull();
  });
});
