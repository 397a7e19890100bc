import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

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

/** Installs the other proxies: from npm, and as root from the system's packages. Prints what is missing. */
export function installPeers(say: (text: string) => void): void {
  if (!existsSync(`${here}node_modules/@portkey-ai/gateway`)) {
    say('Installing the peers from npm…');
    execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], {
      cwd: here,
      stdio: 'ignore',
    });
  }
  const missing = ['nginx', 'wrk', 'redis-server'].filter((program) => !onPath(program));
  if (missing.length === 0) return;
  if (process.getuid?.() === 0 && onPath('apt-get')) {
    say(`Installing ${missing.join(', ')}…`);
    const packages = missing.map((program) => (program === 'nginx' ? 'nginx-light' : program));
    try {
      execFileSync('apt-get', ['install', '-y', '--no-install-recommends', ...packages], {
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
        stdio: 'ignore',
      });
    } catch {
      // Reported below.
    }
  }
  if (!onPath('redis-server')) throw new Error('There is no redis-server on the PATH: install it first.');
  if (!onPath('nginx'))
    say('There is no nginx: its rows are left out, and a Node upstream answers instead of it.');
  if (!onPath('wrk'))
    say('There is no wrk: autocannon makes the load, which takes CPU from what is measured.');
}
