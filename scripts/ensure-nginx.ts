import { ensure } from './ensure.ts';
import { findNginx } from './find-nginx.ts';
import { planInstall } from './install-plan.ts';

/* Runs before the tests: one of them puts a real nginx in front of the gateway. */

ensure((machine) => {
  const nginx = findNginx();
  if (nginx !== null) return { action: 'use', found: nginx };
  const need = {
    problem: 'The tests need nginx, and there is none on the PATH or in /usr/sbin.',
    aptPackage: 'nginx-light',
    otherCommands: ['brew install nginx   (macOS)'],
  };
  return planInstall(need, machine);
});
