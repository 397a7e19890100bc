import { spawnSync } from 'node:child_process';
import type { Machine, Plan } from './install-plan.ts';
import { outputOf } from './output-of.ts';

/**
 * Carries out a plan to have something the tests need: nothing to do, an installation, or, with exit code 1,
 * what to do by hand; 0 if tests can go without it. `plan` looks for the thing each time it is called.
 */
export function ensure(plan: (machine: Machine) => Plan, { isOptional = false } = {}): void {
  const machine = thisMachine();
  const first = plan(machine);
  if (first.action === 'ask') goWithout(first.message, isOptional);
  if (first.action === 'use') return;

  console.log(first.message);
  install(first.command);
  const then = plan({ ...machine, isRoot: false, ci: false }); // never a second installation
  if (then.action !== 'use') goWithout(then.message, isOptional);
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

function goWithout(message: string, isOptional: boolean): never {
  console.error(message);
  process.exit(isOptional ? 0 : 1);
}
