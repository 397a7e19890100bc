import { spawnSync } from 'node:child_process';
import { planRedis, type Machine } from './redis-plan.ts';

/* Runs before the tests: they need a real redis-server. */

const { CI } = process.env;
const plan = planRedis(look());
if (plan.action === 'install') install(plan.command, plan.message);
if (plan.action === 'ask') fail(plan.message);

function look(): Machine {
  return {
    versionText: run('redis-server', '--version'),
    isRoot: process.getuid?.() === 0,
    ci: CI !== undefined && CI !== '' && CI !== 'false',
    hasApt: run('apt-get', '--version') !== null,
  };
}

function install([command = '', ...args]: string[], message: string): void {
  console.log(message);
  spawnSync(command, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  const after = planRedis({ ...look(), isRoot: false, ci: false });
  if (after.action !== 'use') fail(after.action === 'ask' ? after.message : message);
  else console.log(`redis-server ${after.version} is installed.`);
}

/** What a command prints; null where it cannot be run. */
function run(command: string, ...args: string[]): string | null {
  const { error, status, stdout } = spawnSync(command, args, { encoding: 'utf8' });
  return error !== undefined || status !== 0 ? null : stdout;
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
