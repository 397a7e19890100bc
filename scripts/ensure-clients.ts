import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { clientsProblem } from './clients-plan.ts';

/* Runs before the tests: the client tests have their own packages (test/clients/README.md). */

const folder = join(import.meta.dirname, '..', 'test', 'clients');
const installed = join(folder, 'node_modules', '.package-lock.json');
const problem = clientsProblem(
  readFileSync(join(folder, 'package-lock.json'), 'utf8'),
  existsSync(installed) ? readFileSync(installed, 'utf8') : null,
);

if (problem !== null) {
  console.log(`${problem} Installing them: npm ci in test/clients`);
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) process.exit(1);
}
