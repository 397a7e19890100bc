import { planInstall, type Machine, type Plan } from './install-plan.ts';

/** What the tests need a machine to have. */
const neededMajor = 14;

/** Whether there is a Postgres fit for the tests, or how to get one. `version` is its major; null if there is none. */
export function planPostgres(version: number | null, machine: Machine): Plan {
  if (version !== null && version >= neededMajor) return { action: 'use', found: `Postgres ${version}` };
  const problem =
    version === null
      ? `The tests need Postgres ${neededMajor} or later, and there is none on this machine.`
      : `The tests need Postgres ${neededMajor} or later; the newest on this machine is ${version}.`;
  const need = { problem, aptPackage: 'postgresql', otherCommands: ['brew install postgresql@17   (macOS)'] };
  return planInstall(need, machine);
}
