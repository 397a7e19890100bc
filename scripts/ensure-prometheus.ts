import { ensure } from './ensure.ts';
import { findPrometheus, unpackedPrometheus } from './find-prometheus.ts';
import { planInstall } from './install-plan.ts';

/* Runs before the tests: they try the rules and dashboards of `operations/` on a real Prometheus. */

ensure((machine) => {
  const found = findPrometheus();
  if (found !== null) return { action: 'use', found: `Prometheus ${found.version}` };
  const need = {
    problem: 'The tests need Prometheus with promtool, and there is none on the PATH.',
    aptPackage: 'prometheus',
    unpackInto: unpackedPrometheus,
    otherCommands: ['brew install prometheus   (macOS)'],
  };
  return planInstall(need, machine);
});
