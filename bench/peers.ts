import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { emulatorCommand } from './instructions/emulator.ts';
import { perf } from './instructions/perf.ts';

const here = fileURLToPath(new URL('.', import.meta.url));

/** Whether a program is on the PATH. */
export function onPath(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The programs that take part or measure, and the Debian packages that have them. */
const packages: Readonly<Record<string, readonly string[]>> = {
  nginx: ['nginx-light'],
  wrk: ['wrk'],
  'redis-server': ['redis-server'],
};
/** What counts instructions if perf may not. */
const emulatorPackages: Readonly<Record<string, readonly string[]>> = {
  [emulatorCommand]: ['qemu-user'],
  gcc: ['gcc', 'libc6-dev'],
};

/** Installs the other proxies: from npm, and as root from the system's packages. Prints what is missing. */
export function installPeers(say: (text: string) => void): void {
  if (!existsSync(`${here}node_modules/@portkey-ai/gateway`)) {
    say('Installing the peers from npm…');
    execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], {
      cwd: here,
      stdio: 'ignore',
    });
  }
  install(perf() ? packages : { ...packages, ...emulatorPackages }, say);
  if (!onPath('redis-server')) throw new Error('There is no redis-server on the PATH: install it first.');
  if (!onPath('nginx'))
    say('There is no nginx: its rows are left out, and a Node upstream answers instead of it.');
  if (!onPath('wrk'))
    say('There is no wrk: autocannon makes the load, which takes CPU from what is measured.');
}

function install(wanted: typeof packages, say: (text: string) => void): void {
  const missing = Object.entries(wanted).filter(([program]) => !onPath(program));
  if (missing.length === 0 || process.getuid?.() !== 0 || !onPath('apt-get')) return;
  const names = missing.flatMap(([, debian]) => debian);
  say(`Installing ${names.join(', ')}…`);
  try {
    execFileSync('apt-get', ['install', '-y', '--no-install-recommends', ...names], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: 'ignore',
    });
  } catch {
    // The caller looks for what is still missing.
  }
}
