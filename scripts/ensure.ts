import { spawnSync } from 'node:child_process';
import type { Machine, Plan } from './install-plan.ts';
import { outputOf } from './output-of.ts';

/**
 * Carries out a plan to have something the tests need: nothing to do, an installation, or, with exit code 1,
 * what to do by hand. `plan` looks for the thing each time it is called.
 */
export function ensure(plan: (machine: Machine) => Plan): void {
  const machine = thisMachine();
  const first = plan(machine);
  if (first.action === 'ask') fail(first.message);
  if (first.action === 'use') return;

  console.log(first.message);
  install(first.command);
  const then = plan({ ...machine, isRoot: false, ci: false }); // never a second installation
  if (then.action !== 'use') fail(then.message);
  console.log(`${then.found} is installed.`);
}

function thisMachine(): Machine {
  const { CI } = process.env;
  return {
    isRoot: process.getuid?.() === 0,
    ci: CI !== undefined && CI !== '' && CI !== 'false',
    hasApt: outputOf('apt-get', '--version') !== null,
  };
}

function install([command = '', ...args]: string[]): void {
  spawnSync(command, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
