import { planInstall, type Machine, type Plan } from './install-plan.ts';

/** What the tests need a machine to have. */
const neededMajor = 7;

/**
 * Whether there is a redis-server fit for the tests, or how to get one. `versionText` is what
 * `redis-server --version` prints; null if there is none.
 */
export function planRedis(versionText: string | null, machine: Machine): Plan {
  const version = versionText === null ? null : (/\bv=(\d+\.\d+\.\d+)/.exec(versionText)?.[1] ?? null);
  if (version !== null && Number.parseInt(version, 10) >= neededMajor)
    return { action: 'use', found: `redis-server ${version}` };

  const problem =
    version === null
      ? `The tests need redis-server ${neededMajor} or later, and there is none on the PATH.`
      : `The tests need redis-server ${neededMajor} or later; the one on the PATH is ${version}.`;
  const need = { problem, aptPackage: 'redis-server', otherCommands: ['brew install redis   (macOS)'] };
  return planInstall(need, machine);
}
